"""Why a device's message or a part of it became no reading: a stable code and a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from contracts.codes import SCAN_CODES
from edge.drivers.port import RawReading

CODES: Final = {
    "E_SIZE": "the message is over 1 MiB",
    "E_JSON": "not one JSON document: UTF-8, finite numbers, nesting at most 32",
    "E_JSON_DUPKEY": "a key twice in one object",
    "E_FIELD_MISSING": "a field that a reading needs is absent",
    "E_FIELD_TYPE": "a field has another JSON type",
    "E_FIELD_RANGE": "a field is outside its range",
    "E_EPC_HEX": "the EPC has a character that is no hex digit",
    "E_EPC_BASE64": "the EPC is not URL-safe base64",
    "E_EPC_LEN": "the EPC is not 32 to 496 bits in whole words",
    "E_EPC_CONFLICT": "two fields give two different EPCs; neither is chosen",
    "E_TIME": "the time is not one with an offset between 2010 and 2100",
    "E_FRAME": "the bytes are no message of this protocol",
    "E_KIND": "a kind of message this driver does not know",
    "E_RETAINED": "a retained message is no news",
    "N_BLE": "a Bluetooth beacon on the tag topic",
    "N_FORMAT": "the tag's data are not an EPC",
    "N_NOT_SEEN_AGAIN": "the sum of sightings did not rise",
    "N_NOT_A_READING": "status or configuration of the device, not a reading",
}


@dataclass(frozen=True, slots=True)
class Refused:
    """What became no reading. Codes with N_ are expected on the topic, those with E_ are faults."""

    code: str
    detail: str = ""

    @property
    def sentence(self) -> str:
        """What the code means, and where."""
        words = CODES.get(self.code) or SCAN_CODES.get(self.code, self.code)
        return f"{words} ({self.detail})" if self.detail else words


class RefusedError(Exception):
    """Ends the parse of one message or one entry."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.refused = Refused(code, detail)


Item = RawReading | Refused
