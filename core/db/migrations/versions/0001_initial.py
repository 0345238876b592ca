"""Initial schema: every table of core.db.schema, the default partition and the grants of the
roles.
"""

from __future__ import annotations

from pathlib import Path

from core.db.migrate import run_script

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

PARTITION = "CREATE TABLE position_change_default PARTITION OF position_change DEFAULT"


def upgrade() -> None:
    """Create the tables."""
    run_script(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
    run_script(PARTITION)
