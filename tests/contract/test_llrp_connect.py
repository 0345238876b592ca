"""How the LLRP driver sets a reader up, and which readers it refuses."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from edge.drivers.llrp import LlrpAntenna, LlrpDriver
from edge.drivers.port import FatalError, TransientError
from tests.contract import llrp_server as wire
from tests.contract.llrp_client import NOW, a_config, connected


@pytest.fixture
async def reader() -> AsyncIterator[wire.ByteReader]:
    device = wire.ByteReader()
    await device.start()
    yield device
    await device.stop()


async def test_a_connection_starts_from_defaults_and_our_own_rospec(
    reader: wire.ByteReader,
) -> None:
    driver, _ = await connected(reader)

    # Capabilities, configuration, levels of the inputs, delete, add, enable and start.
    # The reader is no Impinj.
    assert reader.kinds() == [1, 3, 2, 21, 20, 24, 22]
    assert len({message_id for _, message_id, _ in reader.received}) == 7
    config = reader.of_kind(3)[0]
    assert config[0] == 0x80
    assert wire.tlv(220, struct.pack(">BI", 1, 2000)) in config
    for event in (1, 3, 4, 8):
        assert wire.tlv(245, struct.pack(">HB", event, 0x80)) in config
    for port in (1, 2):
        assert wire.tlv(225, struct.pack(">HBB", port, 0x80, 2)) in config
    assert reader.of_kind(21) == [bytes(4)]
    await driver.close()
    assert reader.kinds()[7:] == [21, 14]


async def test_an_impinj_reader_gets_its_extensions(reader: wire.ByteReader) -> None:
    reader.capabilities = wire.capabilities(2, vendor=25882, outputs=4)

    driver, _ = await connected(reader)

    assert reader.kinds() == [1, 1023, 3, 2, 21, 20, 24, 22]
    assert reader.of_kind(1023) == [struct.pack(">IBI", 25882, 21, 0)]
    assert struct.pack(">II", 25882, 50) in reader.of_kind(20)[0]
    await driver.close()


async def test_the_strongest_power_not_over_the_wanted_is_chosen(reader: wire.ByteReader) -> None:
    antennas = (LlrpAntenna(1, 29.9), LlrpAntenna(2, 31.0))

    driver, _ = await connected(reader, replace(a_config(reader), antennas=antennas))

    rospec = reader.of_kind(20)[0]
    # Hop table 1, channel 0; power index 1 is 10 dBm, index 2 is 30 dBm.
    assert rospec.count(wire.tlv(224, struct.pack(">HHH", 1, 0, 1))) == 1
    assert rospec.count(wire.tlv(224, struct.pack(">HHH", 1, 0, 2))) == 1
    await driver.close()


@pytest.mark.parametrize(
    ("antennas", "says"),
    [
        ((LlrpAntenna(3),), "antenna 3 is configured, the reader has 2"),
        ((LlrpAntenna(2, 9.9),), "below the reader's range"),
    ],
)
async def test_an_antenna_the_reader_has_not_is_fatal(
    reader: wire.ByteReader, antennas: tuple[LlrpAntenna, ...], says: str
) -> None:
    driver = LlrpDriver(replace(a_config(reader), antennas=antennas), now_us=lambda: NOW)

    with pytest.raises(FatalError, match=says):
        await driver.connect()

    assert reader.kinds() == [1]


@pytest.mark.parametrize(
    ("kind", "code", "error"),
    [
        (1, 401, TransientError),
        (3, 100, FatalError),
        (20, 104, TransientError),
        (20, 100, FatalError),
        (20, 401, TransientError),
        (24, 100, TransientError),
        (22, 401, TransientError),
    ],
)
async def test_a_refused_set_up_is_told_without_the_readers_text(
    reader: wire.ByteReader, kind: int, code: int, error: type[Exception]
) -> None:
    reader.refusals[kind] = code
    driver = LlrpDriver(a_config(reader), now_us=lambda: NOW)

    with pytest.raises(error, match=f"LLRP status {code}$"):
        await driver.connect()

    with pytest.raises(TransientError, match="not connected"):
        await driver.set_output(1, state=True)


async def test_a_reader_without_old_rospecs_may_refuse_to_delete(reader: wire.ByteReader) -> None:
    reader.refusals[21] = 100

    driver, _ = await connected(reader)

    assert reader.kinds() == [1, 3, 2, 21, 21, 20, 24, 22]
    await driver.close()


@pytest.mark.parametrize("attempt", [1, 2, 3, 4, 77])
async def test_a_refused_connection_is_tried_again_later(
    reader: wire.ByteReader, attempt: int
) -> None:
    reader.greeting = wire.accepted(attempt)
    driver = LlrpDriver(a_config(reader), now_us=lambda: NOW)

    with pytest.raises(TransientError):
        await driver.connect()

    assert reader.kinds() == []


@pytest.mark.parametrize(
    ("greeting", "error"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", FatalError),
        (bytes.fromhex("083f0000000a00000000"), FatalError),
        (bytes.fromhex("043f0000000900000000"), TransientError),
        (bytes.fromhex("043fffffffff00000000"), TransientError),
        (b"", TransientError),
    ],
)
async def test_what_is_no_llrp_reader_is_not_used(
    reader: wire.ByteReader, greeting: bytes, error: type[Exception]
) -> None:
    reader.greeting = greeting
    driver = LlrpDriver(replace(a_config(reader), timeout_s=0.3), now_us=lambda: NOW)

    with pytest.raises(error):
        await driver.connect()

    assert reader.kinds() == []


async def test_a_request_without_an_answer_ends_the_attempt(reader: wire.ByteReader) -> None:
    reader.mute = {20}
    driver = LlrpDriver(replace(a_config(reader), timeout_s=0.2), now_us=lambda: NOW)

    with pytest.raises(TransientError, match="did not answer in time"):
        await driver.connect()

    assert reader.kinds() == [1, 3, 2, 21, 20]


async def test_an_answer_of_another_kind_is_no_answer(reader: wire.ByteReader) -> None:
    reader.responses[20] = 34
    driver = LlrpDriver(a_config(reader), now_us=lambda: NOW)

    with pytest.raises(TransientError, match="another message"):
        await driver.connect()

    assert reader.kinds() == [1, 3, 2, 21, 20]


async def test_an_error_message_under_the_requests_id_is_its_refusal(
    reader: wire.ByteReader,
) -> None:
    reader.responses[20], reader.refusals[20] = 100, 111
    driver = LlrpDriver(a_config(reader), now_us=lambda: NOW)

    with pytest.raises(FatalError, match=r"LLRP status 111$"):
        await driver.connect()
