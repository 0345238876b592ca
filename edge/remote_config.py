"""Remote configuration: a document is checked, tried, and kept only when its devices work.

It comes as command `configure` with its version. What fails leaves the last good one running, and
the status says what was offered, what became of it and why. Empty text is the local file.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from contracts.v1 import ConfigState
from edge.config_file import LOCAL, MAX_ATTEMPTS, ConfigFolder, Good, Refusal
from edge.devices import DeviceSetup
from edge.outputs import Result

log = logging.getLogger(__name__)

CONFIRM_US: Final = 60_000_000
# Devices must work for this long before the document counts as good.
SETTLE_US: Final = 3_000_000
MAX_ERROR = 256
Reply = Callable[[Result], None]


class ConfigRefusedError(Exception):
    """A document that this agent cannot take: a stable code and what is wrong."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")


@dataclass(frozen=True, slots=True)
class Plan:
    """A checked document: what the agent needs of it."""

    devices: Sequence[DeviceSetup]
    max_readings: int = 500


Read = Callable[[str], Plan]
"""From a document to what it means here; empty text is the local file and is never refused."""


class Target(Protocol):
    """The running agent as a new configuration sees it."""

    async def use(self, plan: Plan) -> frozenset[str]:
        """Make this plan the running one; the devices that were added or changed."""

    def live(self, at: int) -> frozenset[str]:
        """The devices that work."""

    def why_not(self, names: frozenset[str], at: int) -> tuple[str, bool]:
        """What is wrong with one of these, and whether for good; ("", False) when all work."""


@dataclass(slots=True)
class _Offer:
    version: int
    document: str
    replies: list[Reply] = field(default_factory=list)

    def answer(self, result: Result) -> None:
        """Answer every command that carried it."""
        for reply in self.replies:
            reply(result)
        self.replies.clear()


@dataclass(slots=True)
class _Tried:
    offer: _Offer
    until: int
    needed: frozenset[str]
    well_since: int | None = None


class RemoteConfig:
    """One agent's configuration; `at` is the agent's monotonic clock."""

    def __init__(self, folder: ConfigFolder, *, read: Read) -> None:
        self._folder = folder
        self._read = read
        self._good = folder.good()
        self._waiting: _Offer | None = None
        self._tried: _Tried | None = None
        self._cut: tuple[_Offer, frozenset[str]] | None = None
        self.on_change: Callable[[], None] = lambda: None
        self.offered = self._good.version
        self.state: ConfigState = "applied" if self._good.version else "local"
        self.error = ""
        known = folder.refusal()
        if known is not None and known.version > self._good.version:
            state: ConfigState = "refused" if known.state == "refused" else "fallback"
            self.offered, self.state, self.error = known.version, state, known.error

    @property
    def version(self) -> int:
        """The version that runs, tried or good."""
        return self._good.version if self._tried is None else self._tried.offer.version

    def report(self) -> dict[str, str | int]:
        """Its part of the status."""
        said: dict[str, str | int] = {
            "config_version": self.version,
            "config_offered": self.offered,
            "config_state": self.state,
        }
        return {**said, "config_error": self.error} if self.error else said

    # -- at the start --------------------------------------------------------------------------

    def first_plan(self) -> Plan:
        """What to start with: a trial that was cut short, else the last good, else the file."""
        cut = self._folder.trial()
        if cut is not None and cut.attempts >= MAX_ATTEMPTS:
            self._give_up(cut.version, "fallback", "config-stopped: the agent stopped twice in it")
        elif cut is not None:
            try:
                plan = self._read(cut.document)
            except ConfigRefusedError as refusal:
                self._give_up(cut.version, "refused", str(refusal))
            else:
                self._folder.begin(cut.version, cut.document, attempts=cut.attempts + 1)
                names = frozenset(device.name for device in plan.devices)
                self._cut = (_Offer(cut.version, cut.document), names)
                return plan
        try:
            return self._read(self._good.document)
        except ConfigRefusedError as refusal:
            # It was good once; what it names on this machine has gone.
            self._give_up(self._good.version, "fallback", str(refusal))
            self._good = LOCAL
            return self._read("")

    # -- while it runs -------------------------------------------------------------------------

    def offer(self, version: int, document: str, reply: Reply) -> None:
        """Take a command; the work is done by `step`."""
        if self._waiting is None and self._tried is None and version == self._good.version:
            reply("done")
            return
        for same in (self._waiting, self._tried.offer if self._tried else None):
            if same is not None and same.version == version:
                same.replies.append(reply)
                return
        if self._waiting is not None:
            self._waiting.answer("refused")
        self._waiting = _Offer(version, document, [reply])

    async def step(self, at: int, target: Target) -> None:
        """Begin what was offered, or see how the trial goes."""
        if self._cut is not None:
            (offer, names), self._cut = self._cut, None
            self._begin(offer, names, at)
        if self._tried is not None:
            await self._watch(self._tried, at, target)
        elif self._waiting is not None:
            offer, self._waiting = self._waiting, None
            await self._try(offer, at, target)

    async def _try(self, offer: _Offer, at: int, target: Target) -> None:
        try:
            plan = await asyncio.to_thread(self._read, offer.document)
        except ConfigRefusedError as refusal:
            self._give_up(offer.version, "refused", str(refusal))
            offer.answer("refused")
            return
        before = target.live(at)
        await asyncio.to_thread(self._folder.begin, offer.version, offer.document, attempts=1)
        touched = await target.use(plan)
        kept = {device.name for device in plan.devices} & before
        self._begin(offer, touched | kept, at)

    def _begin(self, offer: _Offer, needed: frozenset[str], at: int) -> None:
        self._tried = _Tried(offer, at + CONFIRM_US, needed)
        self._say(offer.version, "trial")

    async def _watch(self, tried: _Tried, at: int, target: Target) -> None:
        why, for_good = target.why_not(tried.needed, at)
        if why:
            tried.well_since = None
            if for_good or at >= tried.until:
                await self._fall_back(tried.offer, why, target)
            return
        tried.well_since = at if tried.well_since is None else tried.well_since
        if at - tried.well_since >= SETTLE_US:
            await self._confirm(tried.offer)

    async def _confirm(self, offer: _Offer) -> None:
        await asyncio.to_thread(self._folder.confirm, offer.version, offer.document)
        self._good = Good(offer.version, offer.document)
        self._tried = None
        self._say(offer.version, "applied")
        offer.answer("done")

    async def _fall_back(self, offer: _Offer, why: str, target: Target) -> None:
        try:
            plan = await asyncio.to_thread(self._read, self._good.document)
        except ConfigRefusedError:
            self._good = LOCAL
            plan = self._read("")
        await target.use(plan)
        self._tried = None
        self._give_up(offer.version, "fallback", f"config-not-live: {why}")
        offer.answer("refused")

    def _give_up(self, version: int, state: ConfigState, error: str) -> None:
        self._folder.give_up(Refusal(version, state, error[:MAX_ERROR]))
        self._say(version, state, error[:MAX_ERROR])

    def _say(self, version: int, state: ConfigState, error: str = "") -> None:
        self.offered, self.state, self.error = version, state, error
        log.info("config", extra={"version": version, "state": state, "why": error})
        self.on_change()
