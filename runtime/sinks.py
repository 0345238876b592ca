"""Where the outbox goes from here: the guarded sender of webhooks, and their sink."""

from __future__ import annotations

import contextlib
import ipaddress
import ssl
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

from core.api.fields import instant_text
from core.application.webhooks import WebhookSink
from core.domain.addresses import Reach
from core.integrations.http import GuardedSender, SystemResolver
from runtime.clock import new_id, now_us
from runtime.settings_tree import Webhooks

# Names that hang wait here and nowhere else.
LOOKUPS_AT_ONCE = 32


def reach_of(webhooks: Webhooks) -> Reach:
    """The networks and ports that the settings add."""
    networks = tuple(ipaddress.ip_network(text) for text in webhooks.allow_networks)
    return Reach(networks, frozenset(webhooks.allow_ports))


def trust_of(webhooks: Webhooks) -> ssl.SSLContext:
    """The system's authorities, and the installation's own."""
    context = ssl.create_default_context()
    if webhooks.ca_file is not None:
        context.load_verify_locations(cafile=str(webhooks.ca_file))
    return context


@contextlib.asynccontextmanager
async def guarded_sender(webhooks: Webhooks) -> AsyncIterator[GuardedSender]:
    """The only way out over HTTP; closed at the end."""
    pool = ThreadPoolExecutor(LOOKUPS_AT_ONCE, thread_name_prefix="lookup")
    sender = GuardedSender(
        reach=reach_of(webhooks),
        resolve=SystemResolver(pool),
        now_us=now_us,
        trust=trust_of(webhooks),
    )
    try:
        yield sender
    finally:
        await sender.close()
        pool.shutdown(wait=False, cancel_futures=True)


def webhook_sink() -> WebhookSink:
    """Deliveries for the endpoints that asked."""
    return WebhookSink(new_id, lambda at: instant_text(at) or "")
