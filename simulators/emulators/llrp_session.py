"""What one LLRP client has set up on the reader: ROSpecs and their states, events, outputs.

A message comes in, the answer comes out; nothing here touches the network.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from llrpkit.protocol import LLRPMessage, enums, impinj, messages, params

from simulators.emulators.llrp_frames import (
    ANTENNAS,
    GPIS,
    GPOS,
    POWERS_CENTI_DBM,
    Content,
    capabilities,
    status,
)

State = enums.ROSpecState
Code = enums.StatusCode


@dataclass(slots=True)
class Session:
    """State of one connection; `outputs` and `inputs` outlive it,
    as relays and beams do."""

    outputs: dict[int, bool]
    inputs: dict[int, bool] = field(default_factory=dict)
    specs: dict[int, params.ROSpec] = field(default_factory=dict)
    extensions: bool = False
    closed: bool = False
    keepalive_s: float = 0.0
    _events: set[int] = field(default_factory=set)
    _fresh_outputs: list[tuple[int, int]] = field(default_factory=list)
    _default_report: params.ROReportSpec | None = None
    _keepalive_new: bool = False

    @property
    def active(self) -> params.ROSpec | None:
        """The ROSpec that inventories now."""
        return next((s for s in self.specs.values() if s.current_state == State.Active), None)

    def wants(self, event: int) -> bool:
        """Whether the client switched this notification on."""
        return int(event) in self._events

    def take_outputs(self) -> list[tuple[int, int]]:
        """GPO commands since the last call, in order."""
        taken, self._fresh_outputs = self._fresh_outputs, []
        return taken

    def keepalive_changed(self) -> bool:
        """Whether a new keepalive period was set since the last call."""
        changed, self._keepalive_new = self._keepalive_new, False
        return changed

    def content(self) -> Content | None:
        """What reports hold; None while nothing is inventoried."""
        spec = self.active
        if spec is None:
            return None
        report = spec.ro_report_spec or self._default_report
        if report is None:
            return Content(spec.ro_spec_id, params.TagReportContentSelector(), False, False)
        rssi = phase = False
        if self.extensions:
            for custom in report.custom:
                if isinstance(custom, impinj.ImpinjTagReportContentSelector):
                    wanted = custom.impinj_enable_peak_rssi
                    rssi = wanted is not None and wanted.peak_rssi_mode != 0
                    turn = custom.impinj_enable_rf_phase_angle
                    phase = turn is not None and turn.rf_phase_angle_mode != 0
        return Content(spec.ro_spec_id, report.tag_report_content_selector, rssi, phase)

    def power_dbm(self, port: int, default: float) -> float | None:
        """Transmit power of an antenna in the active ROSpec; None when it is not used."""
        spec = self.active
        if spec is None:
            return None
        used = False
        power = default
        for part in spec.spec_parameters:
            if not isinstance(part, params.AISpec):
                continue
            used = used or port in part.antenna_ids or 0 in part.antenna_ids
            for inventory in part.inventory_parameter_specs:
                for setting in inventory.antenna_configurations:
                    if setting.antenna_id in (0, port) and setting.rf_transmitter is not None:
                        power = _table_dbm(setting.rf_transmitter.transmit_power, default)
        return power if used else None

    def handle(self, message: LLRPMessage) -> LLRPMessage | None:
        """Act on one message; None where the protocol has no answer."""
        if isinstance(message, messages.KEEPALIVE_ACK | messages.ENABLE_EVENTS_AND_REPORTS):
            return None
        if isinstance(message, messages.GET_READER_CAPABILITIES):
            return capabilities()
        if isinstance(message, messages.SET_READER_CONFIG):
            return messages.SET_READER_CONFIG_RESPONSE(llrp_status=self._configure(message))
        if isinstance(message, messages.GET_READER_CONFIG):
            return self._configuration()
        if isinstance(message, impinj.IMPINJ_ENABLE_EXTENSIONS):
            self.extensions = True
            return impinj.IMPINJ_ENABLE_EXTENSIONS_RESPONSE(llrp_status=status())
        if isinstance(message, messages.CLOSE_CONNECTION):
            self.closed = True
            return messages.CLOSE_CONNECTION_RESPONSE(llrp_status=status())
        return self._ro_spec(message) or self._access_spec(message) or _unsupported()

    def _ro_spec(self, message: LLRPMessage) -> LLRPMessage | None:
        if isinstance(message, messages.ADD_ROSPEC):
            return messages.ADD_ROSPEC_RESPONSE(llrp_status=self._add(message.ro_spec))
        if isinstance(message, messages.GET_ROSPECS):
            return messages.GET_ROSPECS_RESPONSE(
                llrp_status=status(), ro_specs=list(self.specs.values())
            )
        if isinstance(message, messages.DELETE_ROSPEC):
            return messages.DELETE_ROSPEC_RESPONSE(llrp_status=self._delete(message.ro_spec_id))
        if isinstance(message, messages.ENABLE_ROSPEC):
            result = self._move(message.ro_spec_id, State.Disabled, State.Inactive)
            self._start_immediate()
            return messages.ENABLE_ROSPEC_RESPONSE(llrp_status=result)
        if isinstance(message, messages.START_ROSPEC):
            result = self._move(message.ro_spec_id, State.Inactive, State.Active)
            return messages.START_ROSPEC_RESPONSE(llrp_status=result)
        if isinstance(message, messages.STOP_ROSPEC):
            result = self._move(message.ro_spec_id, State.Active, State.Inactive)
            return messages.STOP_ROSPEC_RESPONSE(llrp_status=result)
        if isinstance(message, messages.DISABLE_ROSPEC):
            result = self._disable(message.ro_spec_id)
            return messages.DISABLE_ROSPEC_RESPONSE(llrp_status=result)
        return None

    def _access_spec(self, message: LLRPMessage) -> LLRPMessage | None:
        if isinstance(message, messages.DELETE_ACCESSSPEC):
            return messages.DELETE_ACCESSSPEC_RESPONSE(llrp_status=status())
        if isinstance(message, messages.GET_ACCESSSPECS):
            return messages.GET_ACCESSSPECS_RESPONSE(llrp_status=status())
        return None

    def _add(self, spec: params.ROSpec) -> params.LLRPStatus:
        if spec.ro_spec_id in self.specs:
            return status(Code.M_DuplicateParameter, "ROSpec exists")
        if any(port > ANTENNAS for part in _ai_specs(spec) for port in part.antenna_ids):
            return status(Code.M_ParameterError, "no such antenna")
        if spec.current_state != State.Disabled:
            return status(Code.M_ParameterError, "a new ROSpec is disabled")
        self.specs[spec.ro_spec_id] = spec
        return status()

    def _delete(self, spec_id: int) -> params.LLRPStatus:
        if spec_id == 0:
            self.specs.clear()
            return status()
        if self.specs.pop(spec_id, None) is None:
            return status(Code.M_ParameterError, "no such ROSpec")
        return status()

    def _move(self, spec_id: int, before: int, after: int) -> params.LLRPStatus:
        chosen = [s for i, s in self.specs.items() if spec_id in (0, i)]
        if not chosen or any(spec.current_state != before for spec in chosen):
            return status(Code.M_ParameterError, "ROSpec is missing or in another state")
        for spec in chosen:
            spec.current_state = after
        return status()

    def _start_immediate(self) -> None:
        immediate = enums.ROSpecStartTriggerType.Immediate
        for spec in self.specs.values():
            trigger = spec.ro_boundary_spec.ro_spec_start_trigger.ro_spec_start_trigger_type
            if spec.current_state == State.Inactive and trigger == immediate:
                spec.current_state = State.Active

    def _disable(self, spec_id: int) -> params.LLRPStatus:
        chosen = [s for i, s in self.specs.items() if spec_id in (0, i)]
        for spec in chosen:
            spec.current_state = State.Disabled
        return status() if chosen else status(Code.M_ParameterError, "no such ROSpec")

    def _configure(self, message: messages.SET_READER_CONFIG) -> params.LLRPStatus:
        if any(not 1 <= gpo.gpo_port_number <= GPOS for gpo in message.gpo_write_datas):
            return status(Code.M_ParameterError, "no such GPO")
        if message.reset_to_factory_default:
            self.specs.clear()
            self._events.clear()
            self._default_report, self.keepalive_s, self._keepalive_new = None, 0.0, True
        if message.keepalive_spec is not None:
            spec = message.keepalive_spec
            periodic = spec.keepalive_trigger_type == enums.KeepaliveTriggerType.Periodic
            self.keepalive_s = spec.periodic_trigger_value / 1000.0 if periodic else 0.0
            self._keepalive_new = True
        if message.ro_report_spec is not None:
            self._default_report = message.ro_report_spec
        if message.reader_event_notification_spec is not None:
            for state in message.reader_event_notification_spec.event_notification_states:
                change = self._events.add if state.notification_state else self._events.discard
                change(int(state.event_type))
        for gpo in message.gpo_write_datas:
            self.outputs[gpo.gpo_port_number] = gpo.gpo_data
            self._fresh_outputs.append((gpo.gpo_port_number, int(gpo.gpo_data)))
        return status()

    def _configuration(self) -> messages.GET_READER_CONFIG_RESPONSE:
        answer = messages.GET_READER_CONFIG_RESPONSE(llrp_status=status())
        for port in range(1, GPOS + 1):
            lit = self.outputs.get(port, False)
            answer.gpo_write_datas.append(params.GPOWriteData(gpo_port_number=port, gpo_data=lit))
        for port in range(1, GPIS + 1):
            high = self.inputs.get(port, False)
            state = enums.GPIPortState.High if high else enums.GPIPortState.Low
            answer.gpi_port_current_states.append(
                params.GPIPortCurrentState(gpi_port_num=port, config=True, state=state)
            )
        return answer


def _ai_specs(spec: params.ROSpec) -> Iterator[params.AISpec]:
    return (part for part in spec.spec_parameters if isinstance(part, params.AISpec))


def _table_dbm(index: int, default: float) -> float:
    if 1 <= index <= len(POWERS_CENTI_DBM):
        return POWERS_CENTI_DBM[index - 1] / 100.0
    return default


def _unsupported() -> messages.ERROR_MESSAGE:
    return messages.ERROR_MESSAGE(
        llrp_status=status(Code.M_UnsupportedMessage, "this reader does not know the message")
    )
