"""Statements of lots: recall, goods of a lot, and its trace from supplier to customer."""

from __future__ import annotations

from core.db.stores.carriers import QUANTS

LOCK = """
SELECT l.lot_id, i.owner_id, i.sku, l.code, l.expires_at, l.recalled_at
FROM lot l JOIN item i ON i.item_id = l.item_id
WHERE l.lot_id = $1 AND ($2::text[] IS NULL OR i.owner_id = ANY($2)) FOR UPDATE OF l
"""
BLOCKED = """
SELECT l.lot_id, i.owner_id, i.sku, l.code, l.expires_at, l.recalled_at
FROM lot l JOIN item i ON i.item_id = l.item_id
WHERE l.lot_id = ANY($1::bigint[]) AND (l.recalled_at IS NOT NULL OR l.expires_at <= $2)
ORDER BY l.lot_id
"""
RECALL = """
UPDATE lot SET recalled_at = $2, recall_reason = $3, recalled_by = $4, released_at = NULL,
  release_reason = NULL, released_by = NULL WHERE lot_id = $1
"""
RELEASE = """
UPDATE lot SET recalled_at = NULL, recall_reason = NULL, recalled_by = NULL, released_at = $2,
  release_reason = $3, released_by = $4 WHERE lot_id = $1
"""
# Goods in an order's tote or carton belong to that order until its people have taken them out.
_FREE = """ AND q.on_hand > 0 AND NOT EXISTS (SELECT 1 FROM handling_unit h
  WHERE h.site_id = q.site_id AND h.handling_unit_id = q.handling_unit_id
    AND h.fulfilment_id IS NOT NULL)"""
GOODS = QUANTS + f"WHERE q.site_id = $1 AND q.lot_id = $2 AND q.status = $3{_FREE} ORDER BY 1, 2, 4"
RECALLED = QUANTS + (
    "JOIN lot ON lot.lot_id = q.lot_id AND lot.recalled_at IS NOT NULL "
    f"WHERE q.site_id = $1 AND q.status = 'available'{_FREE} ORDER BY q.quant_id LIMIT $2"
)
_IN_ORDERS = """
FROM quant q
JOIN handling_unit h ON h.site_id = q.site_id AND h.handling_unit_id = q.handling_unit_id
JOIN fulfilment f ON f.site_id = h.site_id AND f.fulfilment_id = h.fulfilment_id
JOIN customer_order o ON o.order_id = f.order_id
"""
IN_ORDERS = f"""
SELECT f.fulfilment_id, o.order_number, f.owner_id, sum(q.on_hand)::bigint AS quantity {_IN_ORDERS}
WHERE q.site_id = $1 AND q.lot_id = $2 AND q.on_hand > 0
GROUP BY f.fulfilment_id, o.order_number, f.owner_id ORDER BY o.order_number
"""
HEAD = """
SELECT l.lot_id AS id, i.owner_id AS owner, i.sku, i.name, l.code AS lot, l.expires_at,
  l.recalled_at, l.recall_reason, l.recalled_by,
  l.released_at, l.release_reason, l.released_by,
  COALESCE(s.on_hand, 0)::bigint AS on_hand, COALESCE(s.available, 0)::bigint AS available
FROM lot l JOIN item i ON i.item_id = l.item_id
LEFT JOIN LATERAL (SELECT sum(q.on_hand) AS on_hand,
    sum(q.on_hand) FILTER (WHERE q.status = 'available') AS available
  FROM quant q WHERE q.site_id = $1 AND q.lot_id = l.lot_id) s ON true
WHERE ($2::text[] IS NULL OR i.owner_id = ANY($2))
"""
ONE = HEAD + " AND l.lot_id = $3"
LIST = HEAD + (
    " AND ($3::text IS NULL OR i.sku = $3) AND ($4::text IS NULL OR l.code = $4)"
    " AND ($5::bigint IS NULL OR l.lot_id > $5) ORDER BY l.lot_id LIMIT $6"
)
TRACE = {
    "received": """
SELECT min(m.occurred_at) AS at, s.kind AS source, m.cause, a.external_asn_id AS asn,
  a.supplier, m.pass_id, t.code AS location, sum(m.quantity)::bigint AS quantity, m.actor
FROM move m
JOIN location s ON s.site_id = m.site_id AND s.location_id = m.source_location_id
JOIN location t ON t.site_id = m.site_id AND t.location_id = m.target_location_id
LEFT JOIN asn_unit u ON m.pass_id IS NOT NULL AND u.site_id = m.site_id
  AND u.epc_key = m.epc_key AND u.pass_id = m.pass_id
LEFT JOIN asn a ON a.site_id = m.site_id AND a.asn_id = COALESCE(u.asn_id,
  CASE WHEN m.cause = 'scan' AND m.biz_step = 'receiving' THEN m.cause_id::uuid END)
WHERE m.site_id = $1 AND m.lot_id = $2
  AND s.kind IN ('supplier', 'customer', 'adjustment', 'found', 'loss', 'missing')
  AND t.kind NOT IN ('supplier', 'customer', 'adjustment', 'found', 'loss', 'missing')
GROUP BY s.kind, m.cause, a.external_asn_id, a.supplier, m.pass_id, t.code, m.actor
ORDER BY at DESC LIMIT $3
""",
    "here": """
SELECT l.code AS location, l.kind AS location_kind, h.epc_key AS handling_unit_key, q.status,
  q.on_hand, q.reserved, q.received_at
FROM quant q JOIN location l ON l.site_id = q.site_id AND l.location_id = q.location_id
LEFT JOIN handling_unit h ON h.site_id = q.site_id AND h.handling_unit_id = q.handling_unit_id
WHERE q.site_id = $1 AND q.lot_id = $2 AND q.on_hand > 0 ORDER BY l.code, q.quant_id LIMIT $3
""",
    "in_orders": f"""
SELECT o.order_id, o.order_number, o.external_order_id, f.state AS status,
  h.epc_key AS handling_unit_key, l.code AS location, sum(q.on_hand)::bigint AS quantity
{_IN_ORDERS}
JOIN location l ON l.site_id = q.site_id AND l.location_id = q.location_id
WHERE q.site_id = $1 AND q.lot_id = $2 AND q.on_hand > 0
GROUP BY o.order_id, o.order_number, o.external_order_id, f.state, h.epc_key, l.code
ORDER BY o.order_number, h.epc_key LIMIT $3
""",
    "shipped": """
SELECT max(m.occurred_at) AS at, o.order_id, o.order_number, o.external_order_id,
  h.epc_key AS handling_unit_key, h.shipment_id, w.carrier,
  o.body -> 'ship_to' ->> 'name' AS ship_to, sum(m.quantity)::bigint AS quantity
FROM move m
JOIN location t ON t.site_id = m.site_id AND t.location_id = m.target_location_id
  AND t.kind = 'customer'
LEFT JOIN customer_order o ON o.order_id = CASE WHEN m.cause = 'order' THEN m.cause_id::uuid END
LEFT JOIN handling_unit h ON h.site_id = m.site_id
  AND h.handling_unit_id = m.source_handling_unit_id
LEFT JOIN shipment w ON w.site_id = h.site_id AND w.shipment_id = h.shipment_id
WHERE m.site_id = $1 AND m.lot_id = $2
GROUP BY o.order_id, h.epc_key, h.shipment_id, w.carrier ORDER BY at DESC LIMIT $3
""",
}
