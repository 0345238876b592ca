"""Statements of the expected list: one set-based read per kind of fact, no locks."""

from __future__ import annotations

PORTAL = """
SELECT p.portal, d.location_id AS door_id, d.kind AS door_kind, i.location_id AS inside_id,
  i.kind AS inside_kind
FROM portal p
JOIN location d ON d.site_id = p.site_id AND d.location_id = p.door_location_id
JOIN location i ON i.site_id = p.site_id AND i.location_id = p.inside_location_id
WHERE p.site_id = $1 AND p.portal = $2
"""
SPECIAL = """
SELECT DISTINCT ON (kind) kind, location_id FROM location
WHERE site_id = $1 AND kind IN ('supplier', 'found', 'missing', 'discrepancy')
ORDER BY kind, location_id
"""
VISIT = """
SELECT v.visit_id, v.opened_by, v.opened_at,
  array_agg(d.kind) FILTER (WHERE d.kind IS NOT NULL) AS kinds,
  array_agg(d.document_id) FILTER (WHERE d.kind IS NOT NULL) AS ids
FROM door_visit v
LEFT JOIN door_visit_document d ON d.site_id = v.site_id AND d.visit_id = v.visit_id
WHERE v.site_id = $1 AND v.portal = $2 AND v.state IN ('open', 'closing')
GROUP BY v.visit_id, v.opened_by, v.opened_at
"""
MODES = "SELECT direction, owner_id, mode FROM portal_mode WHERE site_id = $1 AND portal = $2"

# Handling units that are asked for, hold or announce a unit asked for; then all that hold them and
# all that those hold.
HANDLING_UNITS = """
WITH RECURSIVE seed AS (
  SELECT handling_unit_id FROM handling_unit WHERE site_id = $1 AND epc_key = ANY($2::text[])
  UNION SELECT handling_unit_id FROM unit
    WHERE site_id = $1 AND epc_key = ANY($2::text[]) AND handling_unit_id IS NOT NULL
  UNION SELECT handling_unit_id FROM asn_unit
    WHERE site_id = $1 AND epc_key = ANY($2::text[]) AND handling_unit_id IS NOT NULL
      AND state = 'expected'
), up AS (
  SELECT h.handling_unit_id, h.parent_id FROM handling_unit h JOIN seed s
    ON h.handling_unit_id = s.handling_unit_id WHERE h.site_id = $1
  UNION SELECT h.handling_unit_id, h.parent_id FROM handling_unit h JOIN up
    ON h.handling_unit_id = up.parent_id WHERE h.site_id = $1
), down AS (
  SELECT handling_unit_id FROM up
  UNION SELECT h.handling_unit_id FROM handling_unit h JOIN down
    ON h.parent_id = down.handling_unit_id WHERE h.site_id = $1
)
SELECT h.handling_unit_id, h.epc_key, h.kind, h.owner_id, h.state, h.location_id,
  l.kind AS location_kind, h.parent_id
FROM down JOIN handling_unit h ON h.site_id = $1 AND h.handling_unit_id = down.handling_unit_id
LEFT JOIN location l ON l.site_id = $1 AND l.location_id = h.location_id
"""
UNITS = """
WITH k AS (
  SELECT unnest($2::text[]) AS epc_key
  UNION SELECT u.epc_key FROM unit u WHERE u.site_id = $1 AND u.handling_unit_id = ANY($3::uuid[])
  UNION SELECT epc_key FROM asn_unit
    WHERE site_id = $1 AND handling_unit_id = ANY($3::uuid[]) AND state = 'expected'
)
SELECT u.epc_key, u.owner_id, u.item_id, u.lot_id, u.state, u.status, u.location_id,
  l.kind AS location_kind, u.handling_unit_id
FROM k JOIN unit u ON u.site_id = $1 AND u.epc_key = k.epc_key
LEFT JOIN location l ON l.site_id = u.site_id AND l.location_id = u.location_id
"""
ANNOUNCED = """
WITH k AS (
  SELECT asn_id, epc_key FROM asn_unit WHERE site_id = $1 AND epc_key = ANY($2::text[])
  UNION SELECT asn_id, epc_key FROM asn_unit
    WHERE site_id = $1 AND handling_unit_id = ANY($3::uuid[])
), doors AS (
  SELECT DISTINCT ON (d.document_id) d.document_id, v.portal, v.visit_id
  FROM door_visit v JOIN door_visit_document d ON d.site_id = v.site_id AND d.visit_id = v.visit_id
  WHERE v.site_id = $1 AND v.state IN ('open', 'closing') AND d.kind = 'asn'
  ORDER BY d.document_id, v.visit_id
)
SELECT au.epc_key, au.asn_id, au.line_no, au.handling_unit_id, au.state AS unit_state,
  a.state, v.portal, v.visit_id
FROM k JOIN asn_unit au ON au.site_id = $1 AND au.asn_id = k.asn_id AND au.epc_key = k.epc_key
JOIN asn a ON a.site_id = au.site_id AND a.asn_id = au.asn_id
LEFT JOIN doors v ON v.document_id = a.asn_id
WHERE a.state IN ('announced', 'arrived', 'receiving')
ORDER BY au.asn_id, au.epc_key
"""
SHIPPED = """
SELECT su.handling_unit_id, su.shipment_id, su.loaded_at, s.state,
  COALESCE(v.portal, s.portal) AS portal, v.visit_id
FROM shipment_unit su
JOIN shipment s ON s.site_id = su.site_id AND s.shipment_id = su.shipment_id
LEFT JOIN LATERAL (
  SELECT v.portal, v.visit_id FROM door_visit_document d
  JOIN door_visit v ON v.site_id = d.site_id AND v.visit_id = d.visit_id
  WHERE d.site_id = $1 AND d.kind = 'shipment' AND d.document_id = s.shipment_id
    AND v.state IN ('open', 'closing')
  LIMIT 1) v ON true
WHERE su.site_id = $1 AND su.handling_unit_id = ANY($2::uuid[])
  AND s.state IN ('planned', 'staged', 'verifying', 'verified', 'held')
ORDER BY su.shipment_id
"""
# What a person or the readers have said of the tags themselves.
SPOILT = """
SELECT epc_key, 'retired' AS what FROM tag_binding
WHERE site_id = $1 AND epc_key = ANY($2::text[]) AND state = 'retired'
UNION ALL SELECT epc_key, 'suspected' FROM tag_quarantine
WHERE site_id = $1 AND epc_key = ANY($2::text[]) AND resolved_at IS NULL
"""
STOCK = """
SELECT q.handling_unit_id, q.owner_id, q.item_id, q.lot_id, q.status,
  q.on_hand - (SELECT count(*) FROM unit u WHERE u.site_id = q.site_id
    AND u.handling_unit_id = q.handling_unit_id AND u.location_id = q.location_id
    AND u.item_id = q.item_id AND u.lot_id IS NOT DISTINCT FROM q.lot_id
    AND u.status = q.status) AS untagged
FROM quant q WHERE q.site_id = $1 AND q.handling_unit_id = ANY($2::uuid[])
ORDER BY q.quant_id
"""
_MOVE = """m.move_id, m.owner_id, m.item_id, m.lot_id, m.quantity, m.source_location_id,
  m.source_handling_unit_id, m.source_status, m.target_location_id, m.target_handling_unit_id,
  m.target_status, m.epc_key, m.biz_step, m.cause, m.cause_id, m.source, m.source_key, m.pass_id,
  m.reverses_move_id, m.actor, m.occurred_at, s.kind AS source_kind, t.kind AS target_kind"""
# The newest move of each unit, if a pass of this visit made it and it is no correction.
UNIT_CAME = f"""
SELECT {_MOVE} FROM unnest($2::text[]) AS k(epc_key)
CROSS JOIN LATERAL (SELECT * FROM move m WHERE m.site_id = $1 AND m.epc_key = k.epc_key
  ORDER BY m.move_id DESC LIMIT 1) m
JOIN pass p ON p.site_id = $1 AND p.pass_id = m.pass_id AND p.visit_id = $3
JOIN location s ON s.site_id = $1 AND s.location_id = m.source_location_id
JOIN location t ON t.site_id = $1 AND t.location_id = m.target_location_id
WHERE m.reverses_move_id IS NULL
"""
STOCK_CAME = f"""
SELECT {_MOVE} FROM pass p
JOIN move m ON m.site_id = $1 AND m.pass_id = p.pass_id
JOIN location s ON s.site_id = $1 AND s.location_id = m.source_location_id
JOIN location t ON t.site_id = $1 AND t.location_id = m.target_location_id
JOIN handling_unit h ON h.site_id = $1 AND h.handling_unit_id = m.target_handling_unit_id
WHERE p.site_id = $1 AND p.visit_id = $3 AND m.epc_key IS NULL AND m.reverses_move_id IS NULL
  AND m.target_handling_unit_id = ANY($2::uuid[]) AND h.location_id = m.target_location_id
  AND NOT EXISTS (SELECT 1 FROM move b WHERE b.site_id = $1 AND b.source = 'pass'
    AND b.source_key = m.source_key || '/back')
ORDER BY m.move_id
"""
PLANS = """
SELECT pass_id, planned_moves FROM pass
WHERE site_id = $1 AND visit_id = $2 AND booking IN ('unbooked', 'proposed')
  AND state IN ('in', 'out') AND planned_moves IS NOT NULL AND closed_at IS NOT NULL
  AND ($3::uuid IS NULL OR pass_id <> $3) AND ($4::bigint IS NULL OR closed_at < $4)
ORDER BY closed_at, pass_id
"""
