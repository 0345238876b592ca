"""The LLRP codec against published vectors, hostile bytes and somebody else's decoder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llrpkit.protocol import decode_message, impinj, messages, params

from edge.drivers import llrp_build as build
from edge.drivers.llrp_codec import (
    BodyError,
    Frame,
    FrameSplitter,
    FramingError,
    MessageType,
    Tv,
    VersionMismatchError,
    decode_frame,
    parameters,
    parse_report,
)
from edge.drivers.llrp_events import parse_events, parse_status

VECTORS = json.loads((Path(__file__).parents[3] / "data" / "llrp_golden_vectors.json").read_text())
GOOD = [v for v in VECTORS if not v["name"].startswith("reject:")]
BAD = [v for v in VECTORS if v["name"].startswith("reject:")]
REPORT = bytes.fromhex("043d000000230000000700f000198d000102030405060708090a0b81000386d6880002")


def decoded(name: str, raw: bytes) -> dict[str, Any]:
    """A vector in the words of its `expected` object."""
    if name.startswith("ImpinjPeakRSSI"):
        tag = build._tlv(240, b"\x8d" + bytes(12) + raw)
        report = parse_report(decode_frame(build.message(61, 1, tag)))[0]
        return {"rssi_centi_dbm": report.rssi_centi_dbm}
    frame = decode_frame(raw)
    found: dict[str, Any] = {"message_id": frame.message_id}
    if frame.kind == MessageType.RO_ACCESS_REPORT:
        (report,) = parse_report(frame)
        found |= {"epc_hex": report.epc.hex(), "epc_bits": report.epc_bits}
        found["AntennaID"] = report.values.get(Tv.ANTENNA_ID)
        found["PeakRSSI_dBm"] = report.values.get(Tv.PEAK_RSSI)
        found["TagSeenCount"] = report.values.get(Tv.TAG_SEEN_COUNT)
    elif frame.kind == MessageType.READER_EVENT_NOTIFICATION:
        events = parse_events(frame)
        attempt = {0: "Success"}[events.connection_attempt or 0]
        found |= {"UTCTimestamp_us": events.utc_us, "ConnectionAttemptEvent": attempt}
    elif frame.kind == MessageType.ERROR_MESSAGE:
        found["error_description"] = parse_status(frame).description
    elif frame.kind == MessageType.CUSTOM_MESSAGE:
        found |= {"vendor_id": int.from_bytes(raw[10:14]), "subtype": raw[14]}
    return found


@pytest.mark.parametrize("vector", GOOD, ids=lambda v: v["name"])
def test_a_published_frame_decodes_to_its_values(vector: dict[str, Any]) -> None:
    found = decoded(vector["name"], bytes.fromhex(vector["hex"]))

    assert {key: found[key] for key in vector["expected"]} == vector["expected"]


@pytest.mark.parametrize("vector", BAD, ids=lambda v: v["name"])
def test_a_published_bad_frame_is_refused(vector: dict[str, Any]) -> None:
    raw = bytes.fromhex(vector["hex"])

    with pytest.raises((FramingError, BodyError)):
        parse_report(decode_frame(raw))


def test_all_twelve_published_vectors_are_run() -> None:
    assert (len(GOOD), len(BAD)) == (8, 4)


def test_the_two_empty_messages_are_built_as_published() -> None:
    by_name = {v["name"]: v["hex"] for v in VECTORS}

    assert build.keepalive_ack(5).hex() == by_name["KEEPALIVE_ACK"]
    assert build.impinj_enable_extensions(2).hex() == by_name["IMPINJ_ENABLE_EXTENSIONS"]


def test_a_bad_body_hands_back_its_frame() -> None:
    raw = bytes.fromhex("043d0000000f0000000100f00005ff")

    with pytest.raises(BodyError) as caught:
        parse_report(decode_frame(raw))

    assert caught.value.frame == raw


def test_a_length_over_the_cap_is_refused_from_the_header_alone() -> None:
    splitter = FrameSplitter(max_frame_bytes=100)

    with pytest.raises(FramingError, match="over the cap"):
        list(splitter.feed(bytes.fromhex("043d0000006500000001")))


def test_another_protocol_version_is_told_apart() -> None:
    with pytest.raises(VersionMismatchError):
        decode_frame(bytes.fromhex("083e0000000a00000005"))


def test_a_stream_that_ends_inside_a_message_is_bad_framing() -> None:
    splitter = FrameSplitter()
    assert list(splitter.feed(REPORT + REPORT[:5])) == [Frame(61, 7, REPORT)]

    with pytest.raises(FramingError, match="inside a message"):
        splitter.finish()


@given(st.lists(st.integers(1, 40), max_size=30))
def test_frames_do_not_depend_on_how_the_stream_is_cut(cuts: list[int]) -> None:
    stream = REPORT * 5
    splitter = FrameSplitter()
    frames: list[Frame] = []

    at = 0
    for size in [*cuts, len(stream)]:
        frames += splitter.feed(stream[at : at + size])
        at += size

    assert frames == [Frame(61, 7, REPORT)] * 5
    splitter.finish()


@settings(max_examples=400)
@given(st.binary(max_size=80), st.sampled_from([61, 63, 100, 1023, 11]))
def test_hostile_bodies_are_read_or_refused_and_nothing_else(body: bytes, kind: int) -> None:
    frame = decode_frame(build.message(kind, 1, body))

    kept = []
    for parse in (parse_report, parse_events, parse_status):
        try:
            parse(frame)
        except BodyError as error:
            kept.append(error.frame)

    assert kept in ([], [frame.data], [frame.data] * 2, [frame.data] * 3)


@settings(max_examples=400)
@given(st.integers(10, len(REPORT) - 1), st.integers(0, 255))
def test_a_report_with_one_byte_changed_never_grows_a_tag(place: int, value: int) -> None:
    raw = REPORT[:place] + bytes([value]) + REPORT[place + 1 :]

    try:
        reports = parse_report(decode_frame(raw))
    except BodyError:
        return

    assert len(reports) <= 1


def test_unknown_parameters_are_skipped() -> None:
    tag = (
        b"\x8d" + bytes(12) + build._tlv(900, b"xyz") + build._custom(9999, b"q") + b"\x81\x00\x02"
    )
    body = build._tlv(999, b"") + build._tlv(240, tag)

    (report,) = parse_report(decode_frame(build.message(61, 1, body)))

    assert report.values == {Tv.ANTENNA_ID: 2}


def test_an_ignorable_vendor_parameter_is_no_level_of_ours() -> None:
    foreign = build._tlv(1023, bytes.fromhex("00001234 00000039 ef66"))

    (report,) = parse_report(
        decode_frame(build.message(61, 1, build._tlv(240, b"\x8d" + bytes(12) + foreign)))
    )

    assert report.rssi_centi_dbm is None


def test_a_tlv_with_the_number_of_a_tv_is_refused() -> None:
    with pytest.raises(BodyError, match="TV parameter's number"):
        list(parameters(build._tlv(6, b"\xd6"), 0, 5))


def test_our_rospec_reads_the_same_to_another_decoder() -> None:
    antennas = (build.AntennaSetup(1, 16), build.AntennaSetup(2))
    spec = build.RoSpec(7, antennas, session=2, mode_index=1002, hop_table=1, impinj=True)

    message: Any = decode_message(build.add_rospec(9, spec))

    assert type(message) is messages.ADD_ROSPEC
    rospec: Any = message.ro_spec
    assert (message.message_id, rospec.ro_spec_id) == (9, 7)
    (ai,) = rospec.spec_parameters
    assert list(ai.antenna_ids) == [1, 2]
    first, second = ai.inventory_parameter_specs[0].antenna_configurations
    assert first.rf_transmitter == params.RFTransmitter(
        hop_table_id=1, channel_index=0, transmit_power=16
    )
    assert second.rf_transmitter is None
    command = first.air_protocol_inventory_command_settings[0]
    assert command.c1_g2_singulation_control.session == 2
    assert command.c1_g2_rf_control.mode_index == 1002
    report = rospec.ro_report_spec
    assert (int(report.ro_report_trigger), report.n) == (1, 1)
    selector = report.tag_report_content_selector
    assert (selector.enable_ro_spec_id, selector.enable_antenna_id) == (True, True)
    assert (selector.enable_last_seen_timestamp, selector.enable_access_spec_id) == (True, False)
    assert selector.air_protocol_epc_memory_selectors[0].enable_pc_bits is True
    assert isinstance(report.custom[0], impinj.ImpinjTagReportContentSelector)
    assert report.custom[0].impinj_enable_rf_doppler_frequency is not None


def test_a_merging_reader_reports_at_the_end_of_each_interval() -> None:
    spec = build.RoSpec(7, (build.AntennaSetup(1),), report_ms=500)

    message: Any = decode_message(build.add_rospec(9, spec))

    rospec = message.ro_spec
    stop = rospec.spec_parameters[0].ai_spec_stop_trigger
    assert (int(stop.ai_spec_stop_trigger_type), stop.duration_trigger) == (1, 500)
    assert (int(rospec.ro_report_spec.ro_report_trigger), rospec.ro_report_spec.n) == (1, 0)


def test_our_configuration_reads_the_same_to_another_decoder() -> None:
    message: Any = decode_message(build.reset_config(3, keepalive_ms=2000, inputs=2))

    assert message.reset_to_factory_default is True
    assert message.keepalive_spec.periodic_trigger_value == 2000
    states = message.reader_event_notification_spec.event_notification_states
    assert [int(state.event_type) for state in states] == [1, 3, 4, 8]
    assert [port.gpi_port_num for port in message.gpi_port_current_states] == [1, 2]
    assert message.events_and_reports.hold_events_and_reports_upon_reconnect is False
    output: Any = decode_message(build.write_output(4, 3, state=True))
    assert output.reset_to_factory_default is False
    assert output.gpo_write_datas == [params.GPOWriteData(gpo_port_number=3, gpo_data=True)]
