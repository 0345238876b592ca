"""Calls from a channel's own system: whose they are is told by a signature; each counts once."""

from __future__ import annotations

from core.application.ports.uow import UnitOfWork
from core.application.ports.webhooks import InboundSecret
from core.application.webhooks import RandomBytes
from core.domain.webhooks import SEEN_US, check_signature, live_secrets, make_secret


async def rotate_inbound(
    uow: UnitOfWork, channel: str, *, owner: str, now: int, token: RandomBytes
) -> str:
    """A new secret for a channel, shown once; the one before lives for a day more."""
    before = await uow.webhooks.inbound(channel)
    secret = make_secret(token(32))
    await uow.webhooks.set_inbound(
        InboundSecret(
            channel,
            owner,
            secret,
            before.secret if before is not None and before.owner_id == owner else None,
            now if before is not None else None,
        ),
        now=now,
    )
    return secret


async def admit_call(
    uow: UnitOfWork,
    channel: str,
    *,
    webhook_id: str | None,
    timestamp: str | None,
    signatures: str | None,
    body: bytes,
    now: int,
) -> str | None:
    """The owner a genuine call is for; None when its id was seen within a day.

    Refuses bad-request, timestamp, signature. An unknown channel is a wrong signature.
    """
    known = await uow.webhooks.inbound(channel)
    secrets: tuple[str, ...] = ()
    if known is not None:
        secrets = live_secrets(known.secret, known.previous_secret, known.rotated_at, now=now)
    found = check_signature(
        secrets=secrets,
        webhook_id=webhook_id,
        timestamp=timestamp,
        signatures=signatures,
        body=body,
        now=now,
    )
    if known is None or await uow.webhooks.seen(channel, found, now=now, since=now - SEEN_US):
        return None
    return known.owner_id
