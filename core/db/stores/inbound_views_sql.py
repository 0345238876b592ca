"""Statements of the read side of inbound, doors and work; keyset paged, one a table."""

from __future__ import annotations

_SCOPE = "($2::text[] IS NULL OR {0}.owner_id = ANY($2::text[]))"
ASN_HEAD = f"""
SELECT a.asn_id AS id, a.external_asn_id, a.owner_id AS owner, a.site_id AS site, a.supplier,
  a.state, a.expected_at, a.created_at, a.arrived_at, a.closed_at
FROM asn a WHERE a.site_id = $1 AND {_SCOPE.format("a")}
"""
ASN = ASN_HEAD + " AND a.asn_id = $3"
ASNS = ASN_HEAD + (
    " AND ($3::text IS NULL OR a.state = $3)"
    " AND ($4::bigint IS NULL OR (a.created_at, a.asn_id) < ($4, $5::uuid))"
    " ORDER BY a.created_at DESC, a.asn_id DESC LIMIT $6"
)
ASN_LINES = """
SELECT l.asn_id, l.line_no, i.sku, i.name AS item_name, lot.code AS lot, l.expected, l.received
FROM asn_line l JOIN item i ON i.item_id = l.item_id LEFT JOIN lot ON lot.lot_id = l.lot_id
WHERE l.site_id = $1 AND l.asn_id = ANY($2::uuid[]) ORDER BY l.asn_id, l.line_no
"""
ASN_UNITS = """
SELECT au.epc_key AS key, au.line_no, au.state, au.pass_id, h.epc_key AS handling_unit
FROM asn_unit au
LEFT JOIN handling_unit h ON h.site_id = au.site_id AND h.handling_unit_id = au.handling_unit_id
WHERE au.site_id = $1 AND au.asn_id = $2 ORDER BY au.epc_key
"""
ASN_HOLDERS = """
SELECT h.handling_unit_id AS id, h.epc_key AS key, h.kind, h.state, l.code AS location,
  count(*) AS announced, count(*) FILTER (WHERE au.state = 'received') AS received
FROM asn_unit au
JOIN handling_unit h ON h.site_id = au.site_id AND h.handling_unit_id = au.handling_unit_id
LEFT JOIN location l ON l.site_id = h.site_id AND l.location_id = h.location_id
WHERE au.site_id = $1 AND au.asn_id = $2
GROUP BY h.handling_unit_id, h.epc_key, h.kind, h.state, l.code ORDER BY h.epc_key
"""
VISIT_HEAD = """
SELECT v.visit_id AS id, v.portal, v.state, v.truck, v.opened_at, v.opened_by, v.closed_at,
  v.closed_by, v.summary, COALESCE((SELECT jsonb_agg(jsonb_build_object('kind', d.kind,
    'id', d.document_id, 'external_id', COALESCE(a.external_asn_id, s.external_id))
    ORDER BY d.kind, d.document_id)
  FROM door_visit_document d
  LEFT JOIN asn a ON a.site_id = d.site_id AND a.asn_id = d.document_id
  LEFT JOIN shipment s ON s.site_id = d.site_id AND s.shipment_id = d.document_id
  WHERE d.site_id = v.site_id AND d.visit_id = v.visit_id), '[]'::jsonb) AS documents
FROM door_visit v WHERE v.site_id = $1
"""
VISIT = VISIT_HEAD + " AND v.visit_id = $2"
VISITS = VISIT_HEAD + (
    " AND ($2::text IS NULL OR v.portal = $2) AND ($3::text IS NULL OR v.state = $3)"
    " AND ($4::bigint IS NULL OR (v.opened_at, v.visit_id) < ($4, $5::uuid))"
    " ORDER BY v.opened_at DESC, v.visit_id DESC LIMIT $6"
)
PASS_HEAD = """
SELECT p.pass_id AS id, p.portal, p.visit_id, p.state, p.booking, p.mode, p.verdict, p.confidence,
  p.opened_at, p.closed_at, p.decider, p.decider_at, p.decided_at, p.settled_by, p.settled_at,
  (SELECT count(*) FROM pass_tag t WHERE t.site_id = p.site_id AND t.pass_id = p.pass_id
    AND t.outcome NOT IN ('rejected', 'missing', 'not_seen')) AS crossed,
  (SELECT count(*) FROM pass_tag t WHERE t.site_id = p.site_id AND t.pass_id = p.pass_id
    AND t.outcome = 'rejected') AS rejected
FROM pass p WHERE p.site_id = $1
"""
PASSES = PASS_HEAD + (
    " AND ($2::text IS NULL OR p.portal = $2) AND ($3::text IS NULL OR p.state = $3)"
    " AND ($4::text IS NULL OR p.booking = $4) AND ($5::uuid IS NULL OR p.visit_id = $5)"
    " AND ($6::text IS NULL OR p.verdict = $6)"
    " AND ($7::bigint IS NULL OR (p.opened_at, p.pass_id) < ($7, $8::uuid))"
    " ORDER BY p.opened_at DESC, p.pass_id DESC LIMIT $9"
)
PASS = PASS_HEAD + " AND p.pass_id = $2"
PASS_MORE = """
SELECT features, planned_moves, thresholds, first_agent, first_boot, first_seq FROM pass
WHERE site_id = $1 AND pass_id = $2
"""
PASS_TAGS = """
SELECT t.epc, t.epc_key AS key, t.outcome, t.reason, t.features, t.evidence,
  i.sku, l.code AS location
FROM pass_tag t
LEFT JOIN unit u ON u.site_id = t.site_id AND u.epc_key = t.epc_key
LEFT JOIN item i ON i.item_id = u.item_id
LEFT JOIN handling_unit h ON h.site_id = t.site_id AND h.epc_key = t.epc_key
LEFT JOIN location l ON l.site_id = t.site_id
  AND l.location_id = COALESCE(u.location_id, h.location_id)
WHERE t.site_id = $1 AND t.pass_id = $2 ORDER BY t.outcome, t.epc
"""
BOOKED = """
SELECT p.pass_id, p.portal, p.state, p.closed_at, ARRAY(SELECT t.epc_key FROM pass_tag t
  WHERE t.site_id = p.site_id AND t.pass_id = p.pass_id AND t.epc_key IS NOT NULL
  AND t.outcome NOT IN ('rejected', 'missing', 'not_seen') ORDER BY t.epc_key) AS keys
FROM pass p WHERE p.site_id = $1 AND p.booking = 'booked' AND p.first_agent <> 'scan'
  AND p.state IN ('in', 'out') AND ($2::bigint IS NULL OR p.closed_at >= $2)
  AND ($3::bigint IS NULL OR p.closed_at < $3)
ORDER BY p.closed_at, p.pass_id
"""
PORTALS = """
SELECT p.portal, d.code AS door, i.code AS inside, v.visit_id,
  last.verdict AS last_verdict, last.decided_at AS last_decided_at, last.pass_id AS last_pass_id,
  (SELECT s.state FROM read_point r JOIN agent_status s ON s.site_id = r.site_id
    AND s.agent = r.agent WHERE r.site_id = p.site_id AND r.portal = p.portal
    ORDER BY s.state = 'online' LIMIT 1) AS agent_state,
  COALESCE((SELECT jsonb_agg(jsonb_build_object('direction', m.direction, 'owner', m.owner_id,
    'mode', m.mode) ORDER BY m.direction, m.owner_id) FROM portal_mode m
    WHERE m.site_id = p.site_id AND m.portal = p.portal), '[]'::jsonb) AS modes
FROM portal p
JOIN location d ON d.site_id = p.site_id AND d.location_id = p.door_location_id
JOIN location i ON i.site_id = p.site_id AND i.location_id = p.inside_location_id
LEFT JOIN door_visit v ON v.site_id = p.site_id AND v.portal = p.portal
  AND v.state IN ('open', 'closing')
LEFT JOIN LATERAL (SELECT verdict, decided_at, pass_id FROM pass q WHERE q.site_id = p.site_id
  AND q.portal = p.portal AND q.verdict IS NOT NULL ORDER BY q.opened_at DESC LIMIT 1) last ON true
WHERE p.site_id = $1 ORDER BY p.portal
"""
TASKS = f"""
SELECT t.task_id AS id, t.kind, t.state, t.owner_id AS owner, t.handling_unit_id AS handling_unit,
  h.epc_key AS handling_unit_key, t.epc_key AS epc, i.sku, i.name AS item_name, lot.code AS lot,
  t.quantity, s.code AS "from", g.code AS "to", g.x_m, g.y_m, t.reason, t.assigned_to AS worker,
  t.lease_until, t.created_at, t.done_at
FROM task t
LEFT JOIN handling_unit h ON h.site_id = t.site_id AND h.handling_unit_id = t.handling_unit_id
LEFT JOIN item i ON i.item_id = t.item_id
LEFT JOIN lot ON lot.lot_id = t.lot_id
LEFT JOIN location s ON s.site_id = t.site_id AND s.location_id = t.source_location_id
LEFT JOIN location g ON g.site_id = t.site_id AND g.location_id = t.target_location_id
WHERE t.site_id = $1 AND ({_SCOPE.format("t")} OR t.owner_id IS NULL)
  AND ($3::text IS NULL OR t.kind = $3) AND ($4::text IS NULL OR t.state = $4)
  AND ($5::uuid IS NULL OR t.task_id = $5)
  AND ($6::bigint IS NULL OR (t.created_at, t.task_id) > ($6, $7::uuid))
ORDER BY t.created_at, t.task_id LIMIT $8
"""
EXCEPTION_HEAD = """
SELECT e.exception_id AS id, e.kind, e.severity, e.subject, e.message, e.portal, e.pass_id,
  e.visit_id, e.fulfilment_id, e.owner_id AS owner, e.facts, e.opened_at, e.acknowledged_at,
  e.acknowledged_by, e.resolved_at
FROM exception e WHERE e.site_id = $1
  AND ($2::text[] IS NULL OR COALESCE(e.owner_id, '*') = ANY($2::text[]))
"""
EXCEPTION = EXCEPTION_HEAD + " AND e.exception_id = $3"
EXCEPTIONS = EXCEPTION_HEAD + (
    " AND ($3::boolean IS NULL OR (e.resolved_at IS NULL) = $3)"
    " AND ($4::bigint IS NULL OR (e.opened_at, e.exception_id) < ($4, $5::uuid))"
    " ORDER BY e.opened_at DESC, e.exception_id DESC LIMIT $6"
)
_LETTER = """
SELECT d.dead_letter_id AS id, d.agent, d.boot, d.seq, d.index, d.topic, d.code, d.pointer,
  encode(d.bytes, 'base64') AS bytes, d.received_at, d.count, d.state, d.settled_by, d.reason,
  d.settled_at
FROM dead_letter d WHERE d.site_id = $1
"""
DEAD_LETTER = _LETTER + " AND d.dead_letter_id = $2"
DEAD_LETTERS = _LETTER + (
    " AND ($2::text IS NULL OR d.state = $2) AND ($3::bigint IS NULL OR d.dead_letter_id < $3)"
    " ORDER BY d.dead_letter_id DESC LIMIT $4"
)
HOLDS = """
SELECT epc, code, agent, device, antenna, first_seen_at, last_seen_at, count, state FROM hold
WHERE site_id = $1 AND ($2::text IS NULL OR epc > $2) ORDER BY epc LIMIT $3
"""
AGENTS = """
SELECT a.agent, a.cell, a.state AS registration, s.state, s.boot, s.seq, s.sent_at, s.received_at,
  s.spooled, s.free_bytes, s.oldest_at, s.clock_offset_ms, s.version, c.seq AS cursor,
  s.config_version, s.config_offered, s.config_state, s.config_error,
  (SELECT max(k.version) FROM agent_config k WHERE k.site_id = a.site_id AND k.agent = a.agent)
    AS config_wanted
FROM agent a LEFT JOIN agent_status s ON s.site_id = a.site_id AND s.agent = a.agent
LEFT JOIN cursor c ON c.site_id = a.site_id AND c.agent = a.agent AND c.boot = s.boot
WHERE a.site_id = $1 ORDER BY a.agent
"""
DEVICES = """
SELECT d.agent, d.device, d.driver, s.state, s.since AS since_at, s.last_read_at,
  COALESCE(s.health, '{}'::jsonb)::text AS health,
  COALESCE((SELECT jsonb_agg(r.read_point ORDER BY r.read_point) FROM read_point r
    WHERE r.site_id = d.site_id AND r.agent = d.agent AND r.device = d.device), '[]'::jsonb)
    AS read_points
FROM device d LEFT JOIN device_state s ON s.site_id = d.site_id AND s.agent = d.agent
  AND s.device = d.device
WHERE d.site_id = $1 ORDER BY d.agent, d.device
"""
