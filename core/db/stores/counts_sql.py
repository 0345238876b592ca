"""Statements of counts. A bin is due by the class of its goods: what moves often, often."""

from __future__ import annotations

ADD = """
INSERT INTO stocktake (site_id, count_id, location_id, reason, created_at, created_by)
SELECT $1, k.count_id, k.location_id, $4, $5, $6
FROM unnest($2::uuid[], $3::bigint[]) AS k(count_id, location_id)
ON CONFLICT (site_id, location_id) WHERE state IN ('open', 'counted') DO NOTHING
RETURNING count_id
"""
COLUMNS = """s.count_id, s.location_id, l.code, s.reason, s.state, s.round, s.assigned_to,
  s.started_at, s.counted_at, s.counted_by, s.counted_key"""
FROM = """FROM stocktake s
JOIN location l ON l.site_id = s.site_id AND l.location_id = s.location_id"""
LOCK = f"SELECT {COLUMNS} {FROM} WHERE s.site_id = $1 AND s.count_id = $2 FOR UPDATE OF s"
TAKE = f"""
UPDATE stocktake t SET assigned_to = $2, started_at = $4 WHERE t.site_id = $1 AND t.count_id = (
  SELECT s.count_id {FROM} WHERE s.site_id = $1 AND s.state = 'open'
    AND (s.assigned_to IS NULL OR s.assigned_to = $2) AND ($3::text IS NULL OR l.zone = $3)
    AND NOT (s.round > 1 AND s.counted_by = $2)
  ORDER BY s.assigned_to IS NULL, l.walk_order, s.count_id LIMIT 1 FOR UPDATE OF s SKIP LOCKED)
RETURNING t.count_id
"""
SAVE = """
UPDATE stocktake SET state = $3, round = $4, assigned_to = $5, started_at = $6, counted_at = $7,
  counted_by = $8, counted_key = $9,
  reconciled_at = CASE WHEN $3 = 'reconciled' THEN $10::bigint END,
  reconciled_by = CASE WHEN $3 = 'reconciled' THEN $11::text END
WHERE site_id = $1 AND count_id = $2
"""
HERE = """
SELECT q.owner_id, q.item_id, q.lot_id, q.handling_unit_id, q.status, q.on_hand,
  (SELECT count(*) FROM unit u WHERE u.site_id = q.site_id AND u.location_id = q.location_id
    AND u.owner_id = q.owner_id AND u.item_id = q.item_id AND u.lot_id IS NOT DISTINCT FROM q.lot_id
    AND u.handling_unit_id IS NOT DISTINCT FROM q.handling_unit_id AND u.status = q.status
    AND u.state = 'present')::bigint AS tagged
FROM quant q WHERE q.site_id = $1 AND q.location_id = $2 AND q.on_hand > 0
ORDER BY q.quant_id
"""
UNITS_HERE = """
SELECT epc_key FROM unit WHERE site_id = $1 AND location_id = $2 AND state = 'present'
"""
SINCE = """
SELECT m.owner_id, m.item_id, m.lot_id, m.epc_key, m.quantity,
  m.source_location_id = $2 AS from_here, m.source_handling_unit_id, m.source_status,
  m.target_location_id = $2 AS to_here, m.target_handling_unit_id, m.target_status
FROM move m WHERE m.site_id = $1 AND m.recorded_at > $3
  AND (m.source_location_id = $2 OR m.target_location_id = $2)
ORDER BY m.move_id DESC
"""
LEAVING = """
SELECT owner_id, item_id, lot_id, handling_unit_id, sum(quantity - picked)::bigint AS quantity
FROM pick_task WHERE site_id = $1 AND location_id = $2 AND state = 'assigned'
GROUP BY 1, 2, 3, 4
UNION ALL
SELECT owner_id, item_id, lot_id, handling_unit_id, sum(quantity)::bigint
FROM task WHERE site_id = $1 AND source_location_id = $2 AND state = 'assigned'
  AND item_id IS NOT NULL AND owner_id IS NOT NULL
GROUP BY 1, 2, 3, 4
"""
KNOWN = """
SELECT u.epc_key, CASE WHEN h.fulfilment_id IS NULL THEN u.state ELSE 'in_order' END AS state
FROM unit u
LEFT JOIN handling_unit h ON h.site_id = u.site_id AND h.handling_unit_id = u.handling_unit_id
WHERE u.site_id = $1 AND u.epc_key = ANY($2::text[])
"""
CLEAR = (
    "DELETE FROM stocktake_line WHERE site_id = $1 AND count_id = $2",
    "DELETE FROM stocktake_unit WHERE site_id = $1 AND count_id = $2",
)
WRITE_LINES = """
INSERT INTO stocktake_line (site_id, count_id, owner_id, item_id, lot_id, handling_unit_id, status,
  expected, counted, variance, finding)
SELECT $1, $2, k.* FROM unnest($3::text[], $4::bigint[], $5::bigint[], $6::uuid[], $7::text[],
  $8::bigint[], $9::bigint[], $10::bigint[], $11::text[]) AS k
"""
WRITE_UNITS = """
INSERT INTO stocktake_unit (site_id, count_id, epc_key, finding)
SELECT $1, $2, k.* FROM unnest($3::text[], $4::text[]) AS k
"""
LINES = """
SELECT owner_id, item_id, lot_id, handling_unit_id, status, expected, counted, variance, finding
FROM stocktake_line WHERE site_id = $1 AND count_id = $2 ORDER BY line_id
"""
UNITS = (
    "SELECT epc_key, finding FROM stocktake_unit WHERE site_id = $1 AND count_id = $2 ORDER BY 1"
)
# Class by moves of the last 90 days: A is the busiest fifth of the items and due every 30 days, B
# the next three tenths (90 days), C the rest (180 days). Never counted is due at once.
DUE = """
WITH busy AS (
  SELECT item_id, ntile(10) OVER (ORDER BY count(*) DESC, item_id) AS part FROM move
  WHERE site_id = $1 AND recorded_at > $2 - 90 * 86400000000 GROUP BY item_id),
bins AS (
  SELECT q.location_id, min(COALESCE(CASE WHEN b.part <= 2 THEN 30 WHEN b.part <= 5 THEN 90 END,
    180)) AS days
  FROM quant q JOIN location l ON l.site_id = q.site_id AND l.location_id = q.location_id
  LEFT JOIN busy b ON b.item_id = q.item_id
  WHERE q.site_id = $1 AND q.on_hand > 0 AND l.kind IN ('storage', 'pick_face')
    AND ($4::text IS NULL OR l.zone = $4)
  GROUP BY q.location_id),
last AS (
  SELECT location_id, max(reconciled_at) AS at FROM stocktake
  WHERE site_id = $1 AND state = 'reconciled' GROUP BY location_id)
SELECT b.location_id FROM bins b LEFT JOIN last ON last.location_id = b.location_id
WHERE (last.at IS NULL OR last.at + b.days * 86400000000 <= $2)
  AND NOT EXISTS (SELECT 1 FROM stocktake s WHERE s.site_id = $1
    AND s.location_id = b.location_id AND s.state IN ('open', 'counted'))
ORDER BY ($2 - COALESCE(last.at, 0)) / (b.days * 86400000000) DESC, b.location_id LIMIT $3
"""
LIMIT = "SELECT (settings -> 'counts' ->> 'limit_units')::bigint FROM site WHERE site_id = $1"
HEAD = f"""
SELECT s.count_id AS id, l.code AS location, l.zone, s.reason, s.state, s.round,
  s.assigned_to AS worker, s.created_at, s.created_by, s.started_at, s.counted_at, s.counted_by,
  s.reconciled_at, s.reconciled_by {FROM} WHERE s.site_id = $1
"""
LIST = HEAD + (
    " AND ($2::text IS NULL OR s.state = $2) AND ($3::bigint IS NULL"
    " OR (s.created_at, s.count_id) < ($3, $4::uuid))"
    " ORDER BY s.created_at DESC, s.count_id DESC LIMIT $5"
)
ONE = HEAD + " AND s.count_id = $2"
LINES_SHOWN = """
SELECT c.owner_id AS owner, i.sku, lot.code AS lot, h.epc_key AS handling_unit_key, c.status,
  c.expected, c.counted, c.variance, c.finding
FROM stocktake_line c JOIN item i ON i.item_id = c.item_id
LEFT JOIN lot ON lot.lot_id = c.lot_id
LEFT JOIN handling_unit h ON h.site_id = c.site_id AND h.handling_unit_id = c.handling_unit_id
WHERE c.site_id = $1 AND c.count_id = $2 AND ($3::text[] IS NULL OR c.owner_id = ANY($3))
ORDER BY c.line_id
"""
UNITS_SHOWN = """
SELECT c.epc_key AS epc, c.finding, i.sku, l.code AS booked_location
FROM stocktake_unit c LEFT JOIN unit u ON u.site_id = c.site_id AND u.epc_key = c.epc_key
LEFT JOIN item i ON i.item_id = u.item_id
LEFT JOIN location l ON l.site_id = u.site_id AND l.location_id = u.location_id
WHERE c.site_id = $1 AND c.count_id = $2
  AND ($3::text[] IS NULL OR u.owner_id IS NULL OR u.owner_id = ANY($3))
ORDER BY c.epc_key
"""
