"""JSON schemas of the wire messages, generated from the structs: `python -m contracts.schema`.

The committed files are golden: a test compares them, so that a change of the wire is seen.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from contracts import v1

MESSAGES: dict[str, type[msgspec.Struct]] = {
    "reads": v1.ReadBatch,
    "scans": v1.ScanBatch,
    "sensors": v1.SensorBatch,
    "status": v1.AgentStatus,
    "cursor": v1.Cursor,
    "command": v1.Command,
    "position": v1.PositionChanged,
}
FOLDER = Path(__file__).parent / "schemas" / "v1"


def schema_text(name: str) -> str:
    """The schema of one message as its file holds it."""
    message = MESSAGES[name]
    schema = msgspec.json.schema(message)
    body = schema["$defs"][message.__name__]
    body["properties"]["schema"] = {"const": f"{name}.v1"}
    body["required"] = sorted({"schema", *body["required"]})
    text = msgspec.json.format(msgspec.json.encode(schema, order="sorted"), indent=2)
    return text.decode() + "\n"


def write_schemas(folder: Path) -> None:
    """Write the file of every message."""
    for name in MESSAGES:
        (folder / f"{name}.json").write_text(schema_text(name), encoding="utf-8")


if __name__ == "__main__":
    write_schemas(FOLDER)
