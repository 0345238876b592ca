"""The command `dockledger`: finds the noun's module, runs it, turns failures into exit codes.

A noun is a module of this package with a Typer `app`; it is imported only when it is called, so an
edge agent never loads the server.
"""

from __future__ import annotations

import importlib
import logging
import re
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import typer
from typer.main import get_command

from runtime.cli.exits import Code, CommandError, echo, say, usage
from runtime.cli.role import role_app
from runtime.settings_errors import ConfigError

log = logging.getLogger("dockledger")
ROLES = ("edge", "gateway", "api", "worker")
_OFFERS_APP = re.compile(r"^app\s*[:=]", re.M)
_FIRST_LINE = re.compile(r'^"""([^\n]*?)(?:"""|\n)')
_SERVER_PARTS = "pip install 'dockledger[server]' (or [demo])"


def nouns() -> dict[str, str]:
    """Every noun and the first line of its page, without importing any."""
    found = {role: f"Run the {role} role." for role in ROLES}
    for path in sorted(Path(__file__).parent.glob("*.py")):
        source = path.read_text(encoding="utf-8")
        if _OFFERS_APP.search(source):
            line = _FIRST_LINE.match(source)
            found[path.stem.replace("_", "-")] = line[1] if line else ""
    return found


def main(argv: list[str] | None = None) -> None:
    """Entry point of the console script; always leaves by `SystemExit`."""
    arguments = sys.argv[1:] if argv is None else argv
    raise SystemExit(run(arguments))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code."""
    as_json = "--json" in arguments
    try:
        return _dispatch(arguments)
    except ConfigError as refusal:
        if as_json:
            say(refusal.code, refusal.advice, as_json=True, facts=refusal.as_dict())
        else:
            say(refusal.code, refusal.one_line().partition(": ")[2], as_json=False)
        return Code.USAGE
    except CommandError as end:
        say(end.code, end.text, as_json=as_json, facts=end.facts)
        return end.exit_code
    except typer.TyperException as wrong:
        say("usage", wrong.format_message().replace("\n", " ")[:300], as_json=as_json)
        return Code.USAGE
    except (KeyboardInterrupt, typer.Abort):
        return Code.INTERRUPTED
    except BrokenPipeError:
        return Code.DONE
    except Exception as failure:  # noqa: BLE001 - the last line decides the exit code.
        return _judged(failure, as_json=as_json)


def _judged(failure: Exception, *, as_json: bool) -> int:
    """Refused, not reachable, or a bug; told by name, since the server may not be installed."""
    kinds = {kind.__name__ for kind in type(failure).__mro__}
    code = str(getattr(failure, "code", ""))
    if "Refused" in kinds:
        say(code, str(getattr(failure, "detail", "refused")), as_json=as_json)
        return Code.REFUSED
    if "SpoolError" in kinds:
        say(code, f"{getattr(failure, 'remedy', '')}", as_json=as_json)
        return Code.USAGE
    if kinds & {"Unavailable", "BusUnavailableError", "BusyError"} or isinstance(
        failure, ConnectionError | TimeoutError
    ):
        say("unavailable", "not reachable or busy; try again", as_json=as_json)
        log.info("unavailable", exc_info=failure)
        return Code.TRY_AGAIN
    say("bug", f"{type(failure).__name__}: this should not happen", as_json=as_json)
    log.error("bug", exc_info=failure)
    return Code.BUG


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in {"--help", "-h", "help"}:
        _help()
        return Code.DONE if arguments else Code.USAGE
    if arguments[0] == "--version":
        echo(_version())
        return Code.DONE
    noun, rest = arguments[0], arguments[1:]
    if noun not in nouns():
        raise usage("unknown command; see dockledger --help")
    command = get_command(_app(noun))
    _refuse_repeats(command, rest)
    ended = command.main(args=rest, prog_name=f"dockledger {noun}", standalone_mode=False)
    return ended if isinstance(ended, int) else Code.DONE


def _app(noun: str) -> typer.Typer:
    if noun in ROLES:
        return role_app(noun)
    try:
        module = importlib.import_module(f"runtime.cli.{noun.replace('-', '_')}")
    except ModuleNotFoundError as missing:
        top = (missing.name or "").partition(".")[0]
        if Path(__file__).parents[2].joinpath(top).is_dir():
            raise
        raise usage(f"this command needs more of the package: {_SERVER_PARTS}") from missing
    found: typer.Typer = module.app
    return found


def _refuse_repeats(command: object, arguments: list[str]) -> None:
    """An option given twice is a mistake, never "the last one wins", unless it is made for it."""
    for word in arguments:
        inner = getattr(command, "commands", {}).get(word)
        command = inner if inner is not None else command
    seen: set[str] = set()
    params = {opt: p for p in getattr(command, "params", []) for opt in getattr(p, "opts", [])}
    for word in arguments:
        if word == "--":
            return
        option = word.partition("=")[0]
        if option not in params or not option.startswith("-"):
            continue
        name = str(params[option].name)
        if name in seen and not getattr(params[option], "multiple", False):
            raise usage(f"{option} is given twice")
        seen.add(name)


def _version() -> str:
    try:
        return version("dockledger")
    except PackageNotFoundError:
        return "unknown"


def _help() -> None:
    echo("Usage: dockledger COMMAND [OPTIONS]\n")
    echo("Know where everything is in the warehouse, and prove it.\n")
    echo("Commands (each has --help):")
    found = nouns()
    width = max(len(name) for name in found) + 2
    for name, line in sorted(found.items()):
        echo(f"  {name:<{width}}{line}")


if __name__ == "__main__":
    main()
