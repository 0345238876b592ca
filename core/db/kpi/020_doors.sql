-- Doors: visits, passes, verdicts, and how well tags were read.
CREATE OR REPLACE VIEW kpi.door_visits_v1 AS
SELECT site_id, opened_at AS at_us, to_timestamp(opened_at / 1e6) AS at, portal, truck, state,
  to_timestamp(closed_at / 1e6) AS closed_at,
  round((coalesce(closed_at, extract(epoch FROM now()) * 1e6) - opened_at) / 60e6, 1) AS minutes,
  (summary ->> 'expected')::integer AS expected, (summary ->> 'received')::integer AS received,
  (summary ->> 'short')::integer AS short, (summary ->> 'over')::integer AS over,
  (summary ->> 'wrong')::integer AS wrong, 1 AS numerator
FROM door_visit WHERE state <> 'cancelled';
COMMENT ON VIEW kpi.door_visits_v1 IS
'Door visits, each at its opening, with what it closed as. Unit: visits. Excludes: cancelled.';

CREATE OR REPLACE VIEW kpi.passes_v1 AS
SELECT site_id, opened_at AS at_us, to_timestamp(opened_at / 1e6) AS at, pass_id, portal, state,
  coalesce(verdict, 'none') AS verdict, booking, mode, decider, 1 AS numerator
FROM pass;
COMMENT ON VIEW kpi.passes_v1 IS 'Passes through portals, each at its opening. Unit: passes.';

CREATE OR REPLACE VIEW kpi.perfect_visit_v1 AS
SELECT site_id, opened_at AS at_us, to_timestamp(opened_at / 1e6) AS at, portal, truck,
  CASE WHEN (summary ->> 'short')::integer + (summary ->> 'over')::integer
    + (summary ->> 'wrong')::integer = 0 THEN 1 ELSE 0 END AS numerator,
  1 AS denominator
FROM door_visit WHERE state = 'closed' AND (summary ->> 'expected')::integer > 0;
COMMENT ON VIEW kpi.perfect_visit_v1 IS
'Door visits closed without short, over, wrong over closed visits with a list. Unit: %. Excludes:
visits without documents, open and cancelled visits.';

CREATE OR REPLACE VIEW kpi.perfect_pass_rate_v1 AS
SELECT p.site_id, p.opened_at AS at_us, to_timestamp(p.opened_at / 1e6) AS at, p.portal, p.pass_id,
  h.epc_key AS handling_unit, h.kind, w.known, w.unread,
  CASE WHEN w.unread = 0 AND t.outcome <> 'not_seen' THEN 1 ELSE 0 END AS numerator,
  1 AS denominator
FROM pass p
JOIN pass_tag t ON t.site_id = p.site_id AND t.pass_id = p.pass_id
  AND t.outcome IN ('matched', 'unexpected', 'wrong_door', 'not_seen')
  AND (t.epc_key LIKE '00/%' OR t.epc_key LIKE '8003/%')
JOIN handling_unit h ON h.site_id = p.site_id AND h.epc_key = t.epc_key
CROSS JOIN LATERAL (
  SELECT count(*) AS known,
    count(*) FILTER (WHERE x.outcome IN ('missing', 'not_seen', 'rejected')) AS unread
  FROM pass_tag x WHERE x.site_id = p.site_id AND x.pass_id = p.pass_id
    AND (EXISTS (SELECT FROM asn_unit a WHERE a.site_id = p.site_id AND a.epc_key = x.epc_key
        AND a.handling_unit_id = h.handling_unit_id)
      OR EXISTS (SELECT FROM unit u WHERE u.site_id = p.site_id AND u.epc_key = x.epc_key
        AND u.handling_unit_id = h.handling_unit_id)
      OR EXISTS (SELECT FROM handling_unit c WHERE c.site_id = p.site_id
        AND c.epc_key = x.epc_key AND c.parent_id = h.handling_unit_id))
) w
WHERE p.state IN ('in', 'out') AND p.first_agent <> 'scan' AND w.known > 0;
COMMENT ON VIEW kpi.perfect_pass_rate_v1 IS
'Handling units read whole in their pass (own tag and every known content) over handling units with
known content that crossed. Unit: %. Excludes: handling units without known content, scans.';

CREATE OR REPLACE VIEW kpi.undecided_share_v1 AS
SELECT p.site_id, p.opened_at AS at_us, to_timestamp(p.opened_at / 1e6) AS at, p.portal,
  CASE WHEN p.state = 'undecided' OR EXISTS (SELECT FROM exception e WHERE e.site_id = p.site_id
    AND e.pass_id = p.pass_id AND e.kind = 'pass.undecided') THEN 1 ELSE 0 END AS numerator,
  1 AS denominator
FROM pass p WHERE p.state <> 'open' AND p.first_agent <> 'scan';
COMMENT ON VIEW kpi.undecided_share_v1 IS
'Passes the tracker left to a person (also when settled since) over closed passes. Unit: %.
Excludes: open passes, scans.';

CREATE OR REPLACE VIEW kpi.stray_share_v1 AS
SELECT p.site_id, p.opened_at AS at_us, to_timestamp(p.opened_at / 1e6) AS at, p.portal, p.pass_id,
  w.numerator, w.denominator, w.static, w.near, w.turned_back, w.other_door, w.glimpsed, w.late,
  w.not_in_load
FROM pass p CROSS JOIN LATERAL (
  SELECT count(*) FILTER (WHERE t.outcome = 'rejected') AS numerator, count(*) AS denominator,
    count(*) FILTER (WHERE t.outcome = 'rejected' AND t.reason = 'static') AS static,
    count(*) FILTER (WHERE t.outcome = 'rejected' AND t.reason = 'near') AS near,
    count(*) FILTER (WHERE t.outcome = 'rejected' AND t.reason = 'turned_back') AS turned_back,
    count(*) FILTER (WHERE t.outcome = 'rejected' AND t.reason = 'other_door') AS other_door,
    count(*) FILTER (WHERE t.outcome = 'rejected' AND t.reason = 'glimpsed') AS glimpsed,
    count(*) FILTER (WHERE t.outcome = 'rejected' AND t.reason = 'late') AS late,
    count(*) FILTER (WHERE t.outcome = 'rejected' AND t.reason = 'not_in_load') AS not_in_load
  FROM pass_tag t WHERE t.site_id = p.site_id AND t.pass_id = p.pass_id
    AND t.outcome NOT IN ('missing', 'not_seen')
) w
WHERE p.state <> 'open' AND p.first_agent <> 'scan' AND w.denominator > 0;
COMMENT ON VIEW kpi.stray_share_v1 IS
'Tags rejected at a pass over tags seen by it, with the reasons. Unit: %. Excludes: open passes,
scans.';

CREATE OR REPLACE VIEW kpi.verdict_latency_v1 AS
SELECT site_id, opened_at AS at_us, to_timestamp(opened_at / 1e6) AS at, portal, verdict, decider,
  (decided_at - decider_at) / 1e3 AS value
FROM pass
WHERE decided_at IS NOT NULL AND decider_at IS NOT NULL AND first_agent <> 'scan';
COMMENT ON VIEW kpi.verdict_latency_v1 IS
'Verdict said minus what decided it (a read, a beam edge, the closing timer). Unit: ms. Excludes:
scans, passes without a verdict.';

CREATE OR REPLACE VIEW kpi.event_latency_v1 AS
SELECT site_id, recorded_at AS at_us, to_timestamp(recorded_at / 1e6) AS at, biz_step,
  (recorded_at - occurred_at) / 1e3 AS value
FROM move WHERE cause = 'pass' AND reverses_move_id IS NULL AND actor IS NULL;
COMMENT ON VIEW kpi.event_latency_v1 IS
'Ledger commit minus the end of the pass at the door, one row for each move. Unit: ms. Excludes:
moves that a person confirmed or settled, reversals.';
