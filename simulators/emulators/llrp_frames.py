"""LLRP 1.0.1 frames a simulated reader sends: tag reports, events and its capabilities.

Reports are packed by hand for speed; the rest is built from the message classes of llrpkit.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from llrpkit.protocol import enums, messages, params

IMPINJ = 25882
ANTENNAS, GPIS, GPOS = 4, 4, 4
POWERS_CENTI_DBM = tuple(range(1000, 3301, 25))
MODEL = 2001003
_REPORT = 0x043D
_HEADER = struct.Struct("!HII")
_U16, _U32, _U64 = struct.Struct("!BH"), struct.Struct("!BI"), struct.Struct("!BQ")
_CUSTOM = struct.Struct("!HHII")


@dataclass(frozen=True, slots=True)
class Content:
    """What the ROSpec asks for in each tag report."""

    ro_spec_id: int
    fields: params.TagReportContentSelector
    impinj_rssi: bool
    impinj_phase: bool


@dataclass(frozen=True, slots=True)
class TagRead:
    """One read as it is reported: device time in us, RSSI in hundredths of a dBm."""

    epc: bytes
    antenna: int
    centi_dbm: int
    at_us: int
    phase: int = 0


def report_frame(reads: Sequence[TagRead], *, content: Content, message_id: int) -> bytes:
    """One RO_ACCESS_REPORT with a TagReportData for each read."""
    body = b"".join(_tag_report(read, content) for read in reads)
    return _HEADER.pack(_REPORT, 10 + len(body), message_id) + body


def _tag_report(read: TagRead, content: Content) -> bytes:
    fields = content.fields
    if len(read.epc) == 12:
        parts = [b"\x8d", read.epc]
    else:
        bits = len(read.epc) * 8
        parts = [struct.pack("!HHH", 241, 6 + len(read.epc), bits), read.epc]
    if fields.enable_ro_spec_id:
        parts.append(_U32.pack(0x80 | 9, content.ro_spec_id))
    if fields.enable_spec_index:
        parts.append(_U16.pack(0x80 | 14, 1))
    if fields.enable_inventory_parameter_spec_id:
        parts.append(_U16.pack(0x80 | 10, 1))
    if fields.enable_antenna_id:
        parts.append(_U16.pack(0x80 | 1, read.antenna))
    if fields.enable_peak_rssi:
        whole = max(-128, min(127, round(read.centi_dbm / 100)))
        parts.append(struct.pack("!Bb", 0x80 | 6, whole))
    if fields.enable_channel_index:
        parts.append(_U16.pack(0x80 | 7, 1))
    if fields.enable_first_seen_timestamp:
        parts.append(_U64.pack(0x80 | 2, read.at_us))
    if fields.enable_last_seen_timestamp:
        parts.append(_U64.pack(0x80 | 4, read.at_us))
    if fields.enable_tag_seen_count:
        parts.append(_U16.pack(0x80 | 8, 1))
    if fields.enable_access_spec_id:
        parts.append(_U32.pack(0x80 | 16, 0))
    if content.impinj_phase:
        parts.append(_CUSTOM.pack(1023, 14, IMPINJ, 56) + struct.pack("!H", read.phase))
    if content.impinj_rssi:
        parts.append(_CUSTOM.pack(1023, 14, IMPINJ, 57) + struct.pack("!h", read.centi_dbm))
    data = b"".join(parts)
    return struct.pack("!HH", 240, 4 + len(data)) + data


def event_frame(
    *,
    at_us: int,
    message_id: int,
    gpi: params.GPIEvent | None = None,
    antenna: params.AntennaEvent | None = None,
    attempt: int | None = None,
    closing: params.ConnectionCloseEvent | None = None,
    overflow: params.ReportBufferOverflowErrorEvent | None = None,
) -> bytes:
    """A READER_EVENT_NOTIFICATION."""
    data = params.ReaderEventNotificationData(
        timestamp=params.UTCTimestamp(microseconds=at_us),
        gpi_event=gpi,
        antenna_event=antenna,
        report_buffer_overflow_error_event=overflow,
        connection_attempt_event=(
            None if attempt is None else params.ConnectionAttemptEvent(status=attempt)
        ),
        connection_close_event=closing,
    )
    notification = messages.READER_EVENT_NOTIFICATION(reader_event_notification_data=data)
    return notification.to_bytes(message_id=message_id)


def status(code: int = 0, why: str = "") -> params.LLRPStatus:
    """Success, or a refusal with its text."""
    return params.LLRPStatus(status_code=code, error_description=why)


def capabilities() -> messages.GET_READER_CAPABILITIES_RESPONSE:
    """A four-port reader in the ETSI lower band with a UTC clock, four inputs, four outputs."""
    return messages.GET_READER_CAPABILITIES_RESPONSE(
        llrp_status=status(),
        general_device_capabilities=_general(),
        llrp_capabilities=params.LLRPCapabilities(
            can_report_buffer_fill_warning=True,
            supports_event_and_report_holding=True,
            max_num_priority_levels_supported=1,
            max_num_ro_specs=4,
            max_num_specs_per_ro_spec=4,
            max_num_inventory_parameter_specs_per_ai_spec=4,
        ),
        regulatory_capabilities=params.RegulatoryCapabilities(
            country_code=276, communications_standard=2, uhf_band_capabilities=_band()
        ),
    )


def _general() -> params.GeneralDeviceCapabilities:
    return params.GeneralDeviceCapabilities(
        max_number_of_antenna_supported=ANTENNAS,
        can_set_antenna_properties=False,
        has_utc_clock_capability=True,
        device_manufacturer_name=IMPINJ,
        model_name=MODEL,
        reader_firmware_version="8.1.0",
        receive_sensitivity_table_entrys=[
            params.ReceiveSensitivityTableEntry(index=1, receive_sensitivity_value=0)
        ],
        gpio_capabilities=params.GPIOCapabilities(num_gp_is=GPIS, num_gp_os=GPOS),
        per_antenna_air_protocols=[
            params.PerAntennaAirProtocol(
                antenna_id=port, protocol_id=bytes([enums.AirProtocols.EPCGlobalClass1Gen2])
            )
            for port in range(1, ANTENNAS + 1)
        ],
    )


def _band() -> params.UHFBandCapabilities:
    mode = params.C1G2UHFRFModeTableEntry(
        mode_identifier=1002,
        dr_value=True,
        epchagtc_conformance=False,
        m_value=2,
        forward_link_modulation=0,
        spectral_mask_indicator=2,
        bdr_value=274000,
        pie_value=1500,
        min_tari_value=6250,
        max_tari_value=25000,
        step_tari_value=1875,
    )
    return params.UHFBandCapabilities(
        transmit_power_level_table_entrys=[
            params.TransmitPowerLevelTableEntry(index=i, transmit_power_value=power)
            for i, power in enumerate(POWERS_CENTI_DBM, start=1)
        ],
        frequency_information=params.FrequencyInformation(
            hopping=False,
            fixed_frequency_table=params.FixedFrequencyTable(
                frequency=[865700, 866300, 866900, 867500]
            ),
        ),
        air_protocol_uhfrf_mode_tables=[
            params.C1G2UHFRFModeTable(c1_g2_uhfrf_mode_table_entrys=[mode])
        ],
    )
