"""The check of an agent's document for the API: the agent's own rules, told as a refusal."""

from __future__ import annotations

from core.application.agent_config import config_refused
from runtime.remote_document import check_document
from runtime.settings_errors import ConfigError


def check_agent_config(site: str, agent: str, document: str) -> list[str]:
    """The names of its devices; raises `Refused` config-refused with the code and the line."""
    try:
        return check_document(document, site=site, agent=agent)
    except ConfigError as refusal:
        where = f"line {refusal.line}, {refusal.key}: " if refusal.key else ""
        raise config_refused(refusal.code, f"{where}{refusal.advice}") from None
