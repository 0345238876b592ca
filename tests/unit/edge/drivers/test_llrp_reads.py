"""From tag reports to raw reads: what is carried forward, what is a time, what is refused."""

from __future__ import annotations

import struct

import pytest

from edge.drivers import llrp_build as build
from edge.drivers.llrp_codec import BodyError, Frame, decode_frame
from edge.drivers.llrp_reads import ReadingDecoder
from edge.drivers.port import DriverNotice, RawRead, RawReading, RawSensor

EPC = bytes.fromhex("3034257BF7194E4000001A85")
SEEN = 1_772_442_900_000_000
NOW = SEEN + 7_000


def tv(kind: int, value: int, size: int) -> bytes:
    return bytes([0x80 | kind]) + value.to_bytes(size, signed=value < 0)


def impinj(subtype: int, value: int) -> bytes:
    return build._custom(subtype, value.to_bytes(2, signed=value < 0))


def a_report(*tags: bytes) -> Frame:
    return decode_frame(build.message(61, 1, b"".join(build._tlv(240, tag) for tag in tags)))


def a_tag(*parameters: bytes, epc: bytes = EPC) -> bytes:
    return b"\x8d" + epc + b"".join(parameters)


def an_event(*parameters: bytes) -> Frame:
    return decode_frame(build.message(63, 1, build._tlv(246, b"".join(parameters))))


def read_of(*parameters: bytes, decoder: ReadingDecoder | None = None) -> RawRead:
    (reading,) = (decoder or ReadingDecoder()).report(a_report(a_tag(*parameters)), NOW)
    assert isinstance(reading, RawRead)
    return reading


ROSPEC_1, ROSPEC_2 = tv(9, 1, 4), tv(9, 2, 4)
FULL = (ROSPEC_1, tv(1, 2, 2), tv(6, -42, 1), tv(7, 2, 2), tv(2, SEEN - 9, 8), tv(4, SEEN, 8))


def test_every_parameter_lands_in_its_field() -> None:
    decoder = ReadingDecoder([902_750, 903_250])
    extras = (tv(8, 3, 2), tv(12, 0x3000, 2), impinj(56, 1024), impinj(57, -4250), impinj(68, -24))

    read = read_of(*FULL, *extras, decoder=decoder)

    assert read == RawRead(
        epc=EPC,
        antenna=2,
        rssi_dbm=-42.5,
        occurred_at=SEEN,
        received_at=NOW,
        count=3,
        phase_deg=90.0,
        frequency_khz=903_250,
        doppler_hz=-1.5,
        pc="3000",
    )


def test_what_was_never_reported_is_unknown_and_not_antenna_1() -> None:
    assert read_of() == RawRead(EPC, None, None, NOW, NOW)


def test_an_omitted_parameter_is_as_in_the_last_report() -> None:
    decoder = ReadingDecoder()
    read_of(*FULL, impinj(56, 1024), tv(12, 0x3000, 2), decoder=decoder)

    read = read_of(tv(4, SEEN + 5, 8), decoder=decoder)

    # The tag's own words (PC, phase) are not of the next tag.
    assert read == RawRead(EPC, 2, -42.0, SEEN + 5, NOW)


def test_another_rospec_inherits_nothing() -> None:
    decoder = ReadingDecoder()
    read_of(*FULL, decoder=decoder)

    read = read_of(ROSPEC_2, tv(4, SEEN + 5, 8), decoder=decoder)
    back = read_of(ROSPEC_1, tv(4, SEEN + 6, 8), decoder=decoder)

    assert read == RawRead(EPC, None, None, SEEN + 5, NOW)
    assert back == RawRead(EPC, None, None, SEEN + 6, NOW)


def test_another_connection_inherits_nothing() -> None:
    read_of(*FULL)

    assert read_of(tv(4, SEEN + 5, 8)) == RawRead(EPC, None, None, SEEN + 5, NOW)


def test_a_refused_frame_leaves_no_trace_in_the_next_read() -> None:
    decoder = ReadingDecoder()
    with pytest.raises(BodyError):
        decoder.report(a_report(a_tag(*FULL), a_tag(b"\xff")), NOW)

    assert read_of(decoder=decoder) == RawRead(EPC, None, None, NOW, NOW)


def test_an_uptime_clock_is_paired_once_with_the_arrival() -> None:
    decoder = ReadingDecoder()
    first = decoder.report(a_report(a_tag(tv(5, 60_000_000, 8))), NOW)
    # This one waited 3 s in the reader's buffer: its own clock still tells when it was read.
    second = decoder.report(a_report(a_tag(tv(5, 60_250_000, 8))), NOW + 3_250_000)
    _, edge = decoder.events(
        an_event(build._tlv(129, struct.pack(">Q", 60_500_000)), build._tlv(248, b"\0\x01\x80")),
        NOW + 4_000_000,
    )

    assert first == [RawRead(EPC, None, None, NOW, NOW)]
    assert second == [RawRead(EPC, None, None, NOW + 250_000, NOW + 3_250_000)]
    assert edge == [RawSensor("gpi", NOW + 500_000, NOW + 4_000_000, {"port": 1, "state": "high"})]


@pytest.mark.parametrize("stamp", [5_000_000, SEEN // 1_000, SEEN * 1_000])
def test_a_utc_stamp_in_no_possible_year_is_told_once_and_used_as_uptime(stamp: int) -> None:
    decoder = ReadingDecoder()

    first = decoder.report(a_report(a_tag(tv(4, stamp, 8))), NOW)
    second = decoder.report(a_report(a_tag(tv(4, stamp + 40, 8))), NOW + 90)

    assert first == [
        DriverNotice("skew", NOW, "the reader's clock is not set"),
        RawRead(EPC, None, None, NOW, NOW),
    ]
    assert second == [RawRead(EPC, None, None, NOW + 40, NOW + 90)]


@pytest.mark.parametrize(
    ("parameter", "rssi"),
    [
        (tv(6, -128, 1), -128.0),
        (tv(6, 0, 1), 0.0),
        (tv(6, 1, 1), None),
        (impinj(57, -13_000), -130.0),
        (impinj(57, -13_001), None),
        (impinj(57, 1), None),
    ],
)
def test_a_level_no_reader_hears_is_unknown(parameter: bytes, rssi: float | None) -> None:
    assert read_of(parameter).rssi_dbm == rssi


@pytest.mark.parametrize(("port", "antenna"), [(0, None), (1, 1), (64, 64), (65, None)])
def test_an_antenna_outside_1_to_64_is_unknown(port: int, antenna: int | None) -> None:
    assert read_of(tv(1, port, 2)).antenna == antenna


@pytest.mark.parametrize("channel", [0, 3, 65_535])
def test_a_channel_outside_the_hop_table_has_no_frequency(channel: int) -> None:
    decoder = ReadingDecoder([902_750, 903_250])

    assert read_of(tv(7, channel, 2), decoder=decoder).frequency_khz is None


def test_a_count_of_zero_is_one_read() -> None:
    assert read_of(tv(8, 0, 2)).count == 1


def epc_data(bits: int) -> bytes:
    size = (bits + 7) // 8
    return build._tlv(241, bits.to_bytes(2) + bytes(range(1, size + 1)))


@pytest.mark.parametrize("bits", [32, 96, 128, 496])
def test_an_epc_of_any_legal_length_is_kept_as_bytes(bits: int) -> None:
    readings = ReadingDecoder().report(a_report(epc_data(bits)), NOW)

    assert readings == [RawRead(bytes(range(1, bits // 8 + 1)), None, None, NOW, NOW)]


@pytest.mark.parametrize("bits", [0, 90, 104, 512])
def test_an_epc_of_no_legal_length_costs_itself_alone(bits: int) -> None:
    readings = ReadingDecoder().report(a_report(epc_data(bits), a_tag()), NOW)

    assert [type(reading) for reading in readings] == [DriverNotice, RawRead]
    assert readings[1] == RawRead(EPC, None, None, NOW, NOW)


def test_a_tid_of_the_vendor_is_printed_as_upper_case_hex() -> None:
    tid = build._custom(55, bytes.fromhex("0003 e280 1105 abcd"))

    assert read_of(tid).tid == "E2801105ABCD"


def test_the_order_of_a_report_is_kept() -> None:
    tags = [a_tag(tv(4, SEEN + place, 8), epc=bytes([place]) * 12) for place in range(200)]

    readings: list[RawReading] = ReadingDecoder().report(a_report(*tags), NOW)

    assert [r.epc[0] for r in readings if isinstance(r, RawRead)] == list(range(200))
