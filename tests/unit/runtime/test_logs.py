"""Log lines are JSON objects, and no secret gets into them."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from runtime import logs


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    made = io.StringIO()
    logs.configure("info", secrets=["canary-word-1"], stream=made)
    yield made
    root.handlers[:], _ = before
    root.setLevel(before[1])


def test_a_line_is_one_object_with_its_fields(stream: io.StringIO) -> None:
    logging.getLogger("gateway").info("cursor_advanced", extra={"agent": "dock-1", "seq": 7})

    line = json.loads(stream.getvalue())
    assert (line["event"], line["agent"], line["seq"]) == ("cursor_advanced", "dock-1", 7)
    assert (line["level"], line["log"]) == ("info", "gateway")


def test_secrets_are_masked_by_name_by_form_and_by_value(stream: io.StringIO) -> None:
    log = logging.getLogger("x")
    log.info(
        "canary-word-1 seen",
        extra={
            "password": "hidden-by-name",
            "url": "postgresql://app:hidden-by-form@db/x",
            "header": "Bearer hiddenbyform123",
            "nested": {"token": "hidden-by-name", "list": ["canary-word-1"]},
        },
    )
    try:
        raise ValueError("canary-word-1 in a traceback")
    except ValueError:
        log.exception("failed")

    text = stream.getvalue()
    assert "canary" not in text
    assert "hidden" not in text
    assert json.loads(text.splitlines()[0])["url"] == "postgresql://app:***@db/x"


def test_a_traceback_stays_on_its_line(stream: io.StringIO) -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        logging.getLogger("x").exception("failed")

    assert stream.getvalue().count("\n") == 1
