"""A receiver that drips one byte a moment delays nobody else."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import ssl
import time
from pathlib import Path

from core.api.fields import instant_text
from core.application.relay import relay
from core.application.webhooks import WebhookSink, add_endpoint
from core.db.uow import PgUnitOfWorkFactory, build_engine
from core.domain.addresses import Reach
from core.integrations.http import GuardedSender
from core.integrations.webhooks import WebhookPump
from runtime.clock import new_id, now_us
from tests.builders import SITE
from tests.hooks import Heard, Names, authority, drip, receiving

EVENTS, SLOW, QUICK = 20, 10, 2


async def test_ten_dripping_endpoints_leave_the_others_under_two_seconds(
    database_url: str, tmp_path: Path
) -> None:
    cert = authority(tmp_path, "127.0.0.1")
    engine = build_engine(database_url)
    open_unit = PgUnitOfWorkFactory(engine)
    told: dict[str, float] = {}
    waits: list[float] = []

    async def quick(heard: Heard, writer: asyncio.StreamWriter) -> None:
        waits.append(time.monotonic() - told[json.loads(heard.body)["aggregate"]])
        writer.write(b"HTTP/1.1 204 X\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()

    async with receiving(cert) as slow, receiving(cert) as fast:
        slow.answer, fast.answer = drip, quick
        sender = GuardedSender(
            reach=Reach((ipaddress.ip_network("127.0.0.0/8"),), frozenset({slow.port, fast.port})),
            resolve=Names(),
            now_us=now_us,
            trust=ssl.create_default_context(cafile=str(cert)),
        )
        pump = WebhookPump(site=SITE, open_unit=open_unit, sender=sender, clock=now_us, ids=new_id)
        async with open_unit(SITE) as uow:
            for port in [slow.port] * SLOW + [fast.port] * QUICK:
                await add_endpoint(
                    uow,
                    owner="acme",
                    url=f"https://127.0.0.1:{port}/",
                    events=["order.shipped"],
                    timeout_s=30,
                    now=now_us(),
                    ids=new_id,
                    token=lambda n: bytes(n),
                )
        sink = WebhookSink(new_id, lambda us: str(instant_text(us)))
        for number in range(EVENTS):
            aggregate = f"order:{number}"
            told[aggregate] = time.monotonic()
            async with open_unit(SITE) as uow:
                await uow.emit(
                    "order.shipped",
                    aggregate=aggregate,
                    owner="acme",
                    payload={},
                    occurred_at=now_us(),
                )
            async with open_unit(SITE) as uow:
                await relay(uow, sink, now=now_us(), limit=500)
            await pump.step(now_us())
            await asyncio.sleep(0.1)
        async with asyncio.timeout(20):
            while len(waits) < EVENTS * QUICK:
                await pump.step(now_us())
                await asyncio.sleep(0.05)
        hanging = slow.connections
        await pump.close()
        await sender.close()
    await engine.dispose()

    assert hanging == SLOW
    assert len(waits) == EVENTS * QUICK
    assert sorted(waits)[int(len(waits) * 0.99) - 1] < 2.0
