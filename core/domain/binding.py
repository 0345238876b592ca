"""What an EPC may be bound to, by its scheme, and how a binding may change.

One EPC stands for one physical thing for ever: an EPC that is taken, or whose binding has ended,
is refused, and the refusal names its holder.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from contracts.gs1.keys import split_key
from core.domain.errors import FieldError, Refused

What = Literal["unit", "handling_unit", "location", "retired"]
CARRIER_SCHEMES = {"pallet": "00/", "carton": "00/", "tote": "8003/"}
MAX_REASON = 200


@dataclass(frozen=True, slots=True)
class Holder:
    """What an EPC stands for now; `name` is a SKU, a kind of handling unit or a place."""

    what: What
    name: str
    owner_id: str | None = None

    def said(self, owners: tuple[str, ...] | None) -> str:
        """For people; what belongs to an owner outside `owners` is not named."""
        if owners is not None and self.owner_id is not None and self.owner_id not in owners:
            return "goods of another owner"
        names = {"unit": f"a unit of {self.name}", "location": f"the place {self.name}"}
        return names.get(self.what, f"a {self.name}")


def check_free(holder: Holder | None, owners: tuple[str, ...] | None) -> None:
    """Raises `epc-retired` or `epc-bound` when the EPC is not free to be bound."""
    if holder is None:
        return
    if holder.what == "retired":
        raise Refused("epc-retired", "The binding of this EPC has ended. Use a new tag.")
    raise Refused(
        "epc-bound",
        f"This EPC stands for {holder.said(owners)} already. Use another tag, or re-tag that one.",
        holder=holder.said(owners),
    )


def check_unit_key(key: str, gtins: frozenset[str]) -> None:
    """A unit carries an SGTIN, of its item's GTIN where the item has one."""
    if not key.startswith("01/"):
        raise _scheme("A unit is named by an SGTIN.")
    if gtins and split_key(key)[0][1] not in gtins:
        raise Refused("gtin-mismatch", "The EPC carries the GTIN of another item.")


def check_carrier_key(key: str, kind: str) -> None:
    """Pallets and cartons carry an SSCC, totes a GRAI."""
    if not key.startswith(CARRIER_SCHEMES[kind]):
        raise _scheme("Pallets and cartons are named by an SSCC, totes by a GRAI.")


def check_same_scheme(old: str, new: str) -> None:
    """A new tag names the same thing: same scheme, and for units the same GTIN."""
    if old == new:
        raise Refused("epc-bound", "This is the tag that it has already.", holder="itself")
    before, after = split_key(old), split_key(new)
    if not before or not after or before[0][0] != after[0][0]:
        raise _scheme("The new EPC is of another scheme than the old one.")
    if before[0][0] == "01" and before[0][1] != after[0][1]:
        raise Refused("gtin-mismatch", "The EPC carries the GTIN of another item.")


def the_reason(text: str) -> str:
    """A decision needs its reason: 1 to 200 printable characters."""
    if not 1 <= len(text.strip()) <= MAX_REASON or not text.isprintable():
        wrong = FieldError("/reason", "length", f"1 to {MAX_REASON} printable characters")
        raise Refused("validation", "A decision needs its reason.", errors=(wrong,))
    return text.strip()


def _scheme(detail: str) -> Refused:
    return Refused("epc-scheme", detail)
