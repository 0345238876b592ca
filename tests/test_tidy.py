"""House rules that no linter knows: sizes, hidden clocks, SQL outside core/db, unfinished marks."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("contracts", "edge", "gateway", "core", "dashboards", "simulators", "runtime")
MAX_FILE = 350
MAX_FUNCTION = 60
_HIDDEN_CLOCK = re.compile(
    r"\b(datetime\.(now|utcnow)|date\.today|time\.(time|time_ns|monotonic|monotonic_ns)|uuid[1-7])\("
    r"|\brandom\.(random|randint|choice|uniform|shuffle|gauss|sample)\("
)
_SQL = re.compile(
    r"\b(SELECT\s+[\w*(]|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|CREATE\s+TABLE)"
)
_UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b")
_SECRET_COMPARE = re.compile(r"\b\w*(secret|digest|signature|token|password)\w*\s*[!=]=\s*[\w\"']")
# SQL may stand in core/db, in the queries of boards (schema kpi only), where the embedded server's
# roles are made, and in the edge's own SQLite spool.
_SQL_ALLOWED = (
    "core/db/",
    "dashboards/boards/",
    "dashboards/lint.py",
    "runtime/postgres.py",
    "edge/spool",
)


def _sources(*roots: str) -> Iterator[Path]:
    for root in roots:
        for path in sorted((ROOT / root).rglob("*.py")):
            if path.name != "__init__.py":
                yield path


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _code(path: Path) -> list[tuple[int, str]]:
    return list(enumerate(path.read_text(encoding="utf-8").splitlines(), start=1))


def _strings(path: Path) -> Iterator[tuple[int, str]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or id(node) in documented:
            continue
        if isinstance(node.value, str):
            yield node.lineno, node.value


def test_no_file_is_longer_than_a_concept() -> None:
    long = {
        _name(path): len(_code(path))
        for path in _sources(*PACKAGES, "tests", "bench")
        if len(_code(path)) > MAX_FILE
    }
    assert long == {}


def _is_one_literal(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """A function that only returns one expression is a table, as the sections of a board are."""
    body = [step for step in node.body if not isinstance(step, ast.Expr)]
    return len(body) == 1 and isinstance(body[0], ast.Return)


def test_no_function_is_longer_than_a_screen() -> None:
    long: dict[str, int] = {}
    for path in _sources(*PACKAGES):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > MAX_FUNCTION and not _is_one_literal(node):
                    long[f"{_name(path)}:{node.name}"] = length
    assert long == {}


def test_every_module_says_what_it_owns() -> None:
    silent = [
        _name(path)
        for path in _sources(*PACKAGES, "tests", "bench")
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert silent == []


def test_time_ids_and_randomness_are_arguments() -> None:
    hidden = [
        f"{_name(path)}:{line}"
        for path in _sources("contracts", "edge", "gateway", "core", "dashboards")
        for line, text in _code(path)
        if _HIDDEN_CLOCK.search(text)
    ]
    assert hidden == []


def test_sql_stands_in_one_place() -> None:
    stray = [
        f"{_name(path)}:{line}"
        for path in _sources(*PACKAGES)
        if not _name(path).startswith(_SQL_ALLOWED)
        for line, text in _strings(path)
        if _SQL.search(text)
    ]
    assert stray == []


def test_nothing_is_left_unfinished() -> None:
    marks = [
        f"{_name(path)}:{line}"
        for path in _sources(*PACKAGES, "tests", "bench")
        if path.name != "test_tidy.py"
        for line, text in _code(path)
        if _UNFINISHED.search(text)
    ]
    assert marks == []


def test_no_secret_is_compared_with_an_operator() -> None:
    compared = [
        f"{_name(path)}:{line}"
        for path in _sources("core/api", "core/integrations", "core/application", "runtime")
        for line, text in _code(path)
        if _SECRET_COMPARE.search(text)
    ]
    assert compared == []


def test_the_rules_can_fail() -> None:
    assert _HIDDEN_CLOCK.search("now = time.time()")
    assert _SQL.search("SELECT quant_id FROM quant")
    assert _UNFINISHED.search("# TO" + "DO later")
    assert _SECRET_COMPARE.search("if secret == given:")
