"""Statements of the floor map; each reads one section, by site, and takes no lock."""

from __future__ import annotations

VIRTUAL = "('supplier', 'customer', 'loss', 'adjustment', 'found', 'missing')"
STAMP = """
SELECT pg_current_snapshot()::text AS seen,
  COALESCE((SELECT max(move_id) FROM move WHERE site_id = $1), 0) AS last_move
"""
SITE = "SELECT site_id AS id, name, timezone FROM site WHERE site_id = $1"
PLACES = f"""
SELECT code, kind, zone, aisle, bay, level, x_m, y_m, width_m, depth_m, capacity_units, locked
FROM location WHERE site_id = $1 AND kind NOT IN {VIRTUAL} ORDER BY walk_order, code
"""
STOCK = """
SELECT l.code, s.on_hand FROM (
  SELECT location_id, sum(on_hand)::bigint AS on_hand FROM quant
  WHERE site_id = $1 AND on_hand > 0 GROUP BY location_id) s
JOIN location l ON l.site_id = $1 AND l.location_id = s.location_id
"""
UNITS = """
SELECT h.handling_unit_id AS id, h.epc_key AS key, h.kind, h.state, l.code AS place,
  h.parent_id AS parent, f.order_id AS "order", h.changed_at, pl.code AS seen_place,
  p.last_seen_at, p.confidence
FROM handling_unit h JOIN location l ON l.site_id = h.site_id AND l.location_id = h.location_id
LEFT JOIN fulfilment f ON f.site_id = h.site_id AND f.fulfilment_id = h.fulfilment_id
LEFT JOIN position p ON p.site_id = h.site_id AND p.subject = h.epc_key
LEFT JOIN location pl ON pl.site_id = h.site_id AND pl.location_id = p.location_id
WHERE h.site_id = $1 AND h.location_id IS NOT NULL AND h.state NOT IN ('announced', 'gone')
  AND ($2::text[] IS NULL OR h.owner_id IS NULL OR h.owner_id = ANY($2))
ORDER BY h.changed_at DESC LIMIT $3
"""
DOCKS = """
SELECT p.portal AS id, d.code AS door, v.visit_id AS visit, v.truck, v.opened_at AS visit_opened_at,
  o.pass_id AS running_pass, last.pass_id AS last_pass, last.verdict, last.state AS direction,
  last.decided_at, last.booking,
  (SELECT s.state FROM read_point r JOIN agent_status s ON s.site_id = r.site_id
    AND s.agent = r.agent WHERE r.site_id = p.site_id AND r.portal = p.portal
    ORDER BY s.state = 'online' LIMIT 1) AS agent_state,
  (SELECT string_agg(DISTINCT m.mode, '/') FROM portal_mode m
    WHERE m.site_id = p.site_id AND m.portal = p.portal) AS modes,
  (SELECT count(*) FROM pass q WHERE q.site_id = p.site_id AND q.portal = p.portal
    AND q.visit_id = v.visit_id) AS passes
FROM portal p
JOIN location d ON d.site_id = p.site_id AND d.location_id = p.door_location_id
LEFT JOIN door_visit v ON v.site_id = p.site_id AND v.portal = p.portal
  AND v.state IN ('open', 'closing')
LEFT JOIN LATERAL (SELECT pass_id FROM pass q WHERE q.site_id = p.site_id
  AND q.portal = p.portal AND q.state = 'open' LIMIT 1) o ON true
LEFT JOIN LATERAL (SELECT pass_id, verdict, state, decided_at, booking FROM pass q
  WHERE q.site_id = p.site_id AND q.portal = p.portal AND q.verdict IS NOT NULL
  ORDER BY q.opened_at DESC LIMIT 1) last ON true
WHERE p.site_id = $1 ORDER BY p.portal
"""
PASSES = """
SELECT p.pass_id AS id, p.portal, p.state AS direction, p.verdict, p.booking,
  COALESCE(p.decided_at, p.closed_at, p.opened_at) AS decided_at,
  (SELECT count(*) FROM pass_tag t WHERE t.site_id = p.site_id AND t.pass_id = p.pass_id
    AND t.outcome NOT IN ('rejected', 'missing', 'not_seen')) AS crossed
FROM pass p WHERE p.site_id = $1 AND (p.verdict IS NOT NULL OR p.state = 'undecided')
ORDER BY p.opened_at DESC LIMIT $2
"""
DEVICES = """
SELECT d.agent || '/' || d.device AS id, d.agent, d.device, d.driver, s.state, s.since AS since_at,
  s.last_read_at, r.x_m, r.y_m, r.places, r.points,
  ARRAY(SELECT jsonb_array_elements_text(COALESCE(s.health->'alarms', '[]'::jsonb))) AS alarms
FROM device d
LEFT JOIN device_state s ON s.site_id = d.site_id AND s.agent = d.agent AND s.device = d.device
LEFT JOIN LATERAL (SELECT avg(r.x_m) AS x_m, avg(r.y_m) AS y_m, count(*) AS points,
    COALESCE(array_agg(DISTINCT l.code) FILTER (WHERE l.code IS NOT NULL), '{}') AS places
  FROM read_point r LEFT JOIN location l ON l.site_id = r.site_id AND l.location_id = r.location_id
  WHERE r.site_id = d.site_id AND r.agent = d.agent AND r.device = d.device) r ON true
WHERE d.site_id = $1 ORDER BY d.agent, d.device
"""
AGENTS = """
SELECT a.agent AS id, s.state, s.received_at, s.spooled, s.version,
  GREATEST(s.seq - COALESCE(c.seq, 0), 0) AS waiting
FROM agent a LEFT JOIN agent_status s ON s.site_id = a.site_id AND s.agent = a.agent
LEFT JOIN cursor c ON c.site_id = a.site_id AND c.agent = a.agent AND c.boot = s.boot
WHERE a.site_id = $1 AND a.state = 'active' ORDER BY a.agent
"""
ORDERS = """
SELECT state, count(*) AS orders, count(*) FILTER (WHERE ship_by < $3) AS late FROM fulfilment
WHERE site_id = $1 AND ($2::text[] IS NULL OR owner_id = ANY($2))
  AND state IN ('received', 'promised', 'partially_promised', 'backordered', 'released',
    'picking', 'picked', 'packed', 'staged', 'partially_shipped')
GROUP BY state
"""
SHIPPED = """
SELECT count(*) FROM fulfilment WHERE site_id = $1
  AND ($2::text[] IS NULL OR owner_id = ANY($2)) AND shipped_at >= $3
"""
FLOW = """
SELECT step, sum(came)::bigint AS came, sum(went)::bigint AS went FROM (
  SELECT (received_at - $3) / $4 AS step, 1 AS came, 0 AS went FROM fulfilment
  WHERE site_id = $1 AND ($2::text[] IS NULL OR owner_id = ANY($2)) AND received_at >= $3
  UNION ALL
  SELECT (shipped_at - $3) / $4, 0, 1 FROM fulfilment
  WHERE site_id = $1 AND ($2::text[] IS NULL OR owner_id = ANY($2)) AND shipped_at >= $3) f
GROUP BY step
"""
PLACE = f"""
SELECT l.location_id, l.code, l.kind, l.zone, l.capacity_units AS capacity, l.locked,
  (SELECT sum(q.on_hand)::bigint FROM quant q WHERE q.site_id = l.site_id
    AND q.location_id = l.location_id) AS on_hand,
  (SELECT max(p.last_seen_at) FROM position p WHERE p.site_id = l.site_id
    AND p.location_id = l.location_id) AS last_seen_at
FROM location l WHERE l.site_id = $1 AND l.code = $2 AND l.kind NOT IN {VIRTUAL}
"""
PLACE_STOCK = """
SELECT i.sku, i.name, q.owner_id AS owner, lot.code AS lot, q.status, q.on_hand, q.reserved,
  h.epc_key AS handling_unit
FROM quant q JOIN item i ON i.item_id = q.item_id LEFT JOIN lot ON lot.lot_id = q.lot_id
LEFT JOIN handling_unit h ON h.site_id = q.site_id AND h.handling_unit_id = q.handling_unit_id
WHERE q.site_id = $1 AND q.location_id = $2 AND q.on_hand > 0
  AND ($3::text[] IS NULL OR q.owner_id = ANY($3))
ORDER BY i.sku, q.quant_id LIMIT $4
"""
PLACE_UNITS = """
SELECT h.epc_key AS key, h.kind, h.state, p.last_seen_at, p.confidence FROM handling_unit h
LEFT JOIN position p ON p.site_id = h.site_id AND p.subject = h.epc_key
WHERE h.site_id = $1 AND h.location_id = $2
  AND ($3::text[] IS NULL OR h.owner_id IS NULL OR h.owner_id = ANY($3))
ORDER BY h.changed_at DESC LIMIT $4
"""
PLACE_WORK = """
SELECT 'pick' AS kind, t.state, i.sku, t.quantity FROM pick_task t
JOIN item i ON i.item_id = t.item_id
WHERE t.site_id = $1 AND t.location_id = $2 AND t.state IN ('open', 'assigned')
  AND ($3::text[] IS NULL OR t.owner_id = ANY($3))
UNION ALL
SELECT t.kind, t.state, i.sku, t.quantity FROM task t LEFT JOIN item i ON i.item_id = t.item_id
WHERE t.site_id = $1 AND $2 IN (t.source_location_id, t.target_location_id)
  AND t.state IN ('open', 'assigned')
  AND ($3::text[] IS NULL OR t.owner_id IS NULL OR t.owner_id = ANY($3))
LIMIT $4
"""
