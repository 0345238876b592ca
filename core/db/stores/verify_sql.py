"""One statement per invariant: each lists what disagrees with first principles as (subject, fact).

`$1` is the site. The numbers I1 to I10 are those of docs/architecture.md.
"""

from __future__ import annotations

from typing import Final

PENDING = "state = 'pending'"

CHECKS: Final[dict[str, str]] = {
    "I1-virtual-place-has-quant": """
SELECT l.code AS subject, 'a virtual place holds ' || q.on_hand AS fact
FROM quant q JOIN location l USING (site_id, location_id)
WHERE q.site_id = $1
  AND l.kind IN ('supplier','customer','loss','adjustment','found','missing')
""",
    "I2-on-hand": """
WITH flow AS (
  SELECT owner_id, item_id, lot_id, target_location_id AS location_id,
    target_handling_unit_id AS handling_unit_id, target_status AS status, quantity AS change
  FROM move WHERE site_id = $1
  UNION ALL
  SELECT owner_id, item_id, lot_id, source_location_id, source_handling_unit_id, source_status,
    -quantity FROM move WHERE site_id = $1
), book AS (
  SELECT f.owner_id, f.item_id, f.lot_id, f.location_id, f.handling_unit_id, f.status,
    sum(f.change) AS change
  FROM flow f JOIN location l ON l.site_id = $1 AND l.location_id = f.location_id
  WHERE l.kind NOT IN ('supplier','customer','loss','adjustment','found','missing')
  GROUP BY 1, 2, 3, 4, 5, 6
)
SELECT coalesce(b.item_id, q.item_id) || '@' || coalesce(b.location_id, q.location_id) AS subject,
  'moves say ' || coalesce(b.change, 0) || ', the quant says ' || coalesce(q.on_hand, 0) AS fact
FROM book b FULL JOIN (SELECT * FROM quant WHERE site_id = $1) q
  ON (q.owner_id, q.item_id, coalesce(q.lot_id, 0), q.location_id,
      coalesce(q.handling_unit_id::text, ''), q.status)
   = (b.owner_id, b.item_id, coalesce(b.lot_id, 0), b.location_id,
      coalesce(b.handling_unit_id::text, ''), b.status)
WHERE coalesce(b.change, 0) <> coalesce(q.on_hand, 0)
""",
    "I3-reserved": f"""
SELECT coalesce(q.quant_id, r.quant_id)::text AS subject,
  'reservations say ' || coalesce(r.quantity, 0) || ', the quant says '
    || coalesce(q.reserved, 0) AS fact
FROM (SELECT quant_id, reserved FROM quant WHERE site_id = $1) q
FULL JOIN (SELECT quant_id, sum(quantity) AS quantity FROM reservation
           WHERE site_id = $1 AND {PENDING} GROUP BY quant_id) r USING (quant_id)
WHERE coalesce(q.reserved, 0) <> coalesce(r.quantity, 0)
""",
    "I3-sellable": """
WITH book AS (
  SELECT q.owner_id, q.item_id, sum(q.on_hand) AS sellable
  FROM quant q JOIN location l USING (site_id, location_id)
  WHERE q.site_id = $1 AND q.status = 'available'
    AND l.kind IN ('storage','pick_face','staging','dock','conveyor','packing','transit')
  GROUP BY 1, 2
)
SELECT item_id::text AS subject,
  'quants say ' || coalesce(b.sellable, 0) || ', availability says ' || coalesce(a.sellable, 0)
    AS fact
FROM book b FULL JOIN (SELECT * FROM availability WHERE site_id = $1) a
  USING (owner_id, item_id)
WHERE coalesce(b.sellable, 0) <> coalesce(a.sellable, 0)
""",
    "I3-committed": f"""
WITH demand AS (
  SELECT owner_id, item_id, quantity FROM promise WHERE site_id = $1 AND state = 'open'
  UNION ALL
  SELECT owner_id, item_id, quantity FROM reservation
  WHERE site_id = $1 AND {PENDING} AND purpose = 'order'
  UNION ALL
  SELECT f.owner_id, l.item_id, l.picked - l.shipped
  FROM fulfilment_line l JOIN fulfilment f USING (site_id, fulfilment_id)
  WHERE l.site_id = $1 AND f.state <> 'cancelled' AND l.picked > l.shipped
), book AS (SELECT owner_id, item_id, sum(quantity) AS committed FROM demand GROUP BY 1, 2)
SELECT item_id::text AS subject,
  'promises, reservations and picks say ' || coalesce(b.committed, 0) || ', availability says '
    || coalesce(a.committed, 0) AS fact
FROM book b FULL JOIN (SELECT * FROM availability WHERE site_id = $1) a
  USING (owner_id, item_id)
WHERE coalesce(b.committed, 0) <> coalesce(a.committed, 0)
""",
    "I3-closed-order": f"""
SELECT f.fulfilment_id::text AS subject, 'a ' || f.state || ' order still holds stock' AS fact
FROM fulfilment f WHERE f.site_id = $1 AND f.state IN ('shipped','delivered','cancelled')
  AND (EXISTS (SELECT FROM promise p WHERE p.site_id = $1
         AND p.fulfilment_id = f.fulfilment_id AND p.state = 'open')
    OR EXISTS (SELECT FROM reservation r WHERE r.site_id = $1
         AND r.fulfilment_id = f.fulfilment_id AND r.{PENDING}))
""",
    "I4-cause": """
SELECT m.move_id::text AS subject, 'cites a pass that does not exist' AS fact
FROM move m WHERE m.site_id = $1 AND m.pass_id IS NOT NULL
  AND NOT EXISTS (SELECT FROM pass p WHERE p.site_id = $1 AND p.pass_id = m.pass_id)
""",
    "I5-cursor-counts": """
SELECT agent || '/' || boot AS subject,
  'seq ' || seq || ' but ' || messages || ' messages applied and ' || dead_messages || ' dead'
    AS fact
FROM cursor WHERE site_id = $1 AND seq <> messages + dead_messages
""",
    "I6-epoch": """
SELECT c.agent || '/' || c.boot AS subject, 'was written by an epoch above its cell''s' AS fact
FROM cursor c JOIN agent a USING (site_id, agent) JOIN cell e USING (site_id, cell)
WHERE c.site_id = $1 AND c.epoch > e.epoch
""",
    "I7-outbox": """
SELECT p.sink AS subject, 'its place lies beyond the newest transaction' AS fact
FROM outbox_place p WHERE $1::text IS NOT NULL
  AND p.place > pg_snapshot_xmax(pg_current_snapshot())
""",
    "I7-delivery": """
SELECT o.id || ' for ' || e.endpoint_id AS subject, 'passed the relay without a delivery' AS fact
FROM webhook_endpoint e JOIN outbox_place p ON p.site_id = e.site_id AND p.sink = 'webhooks'
JOIN outbox o ON o.site_id = e.site_id AND o.xid < p.place AND o.event = ANY(e.events)
  AND (e.owner_id = '*' OR e.owner_id = o.owner_id) AND o.occurred_at > e.active_since + 60000000
WHERE e.site_id = $1 AND e.state = 'active' AND NOT EXISTS (SELECT FROM webhook_delivery d
  WHERE d.endpoint_id = e.endpoint_id AND d.outbox_id = o.id)
""",
    "I8-line-progress": f"""
SELECT l.fulfilment_id || '/' || l.line_no AS subject,
  'holds more than it still has to ship' AS fact
FROM fulfilment_line l
LEFT JOIN (SELECT fulfilment_id, line_no, sum(quantity) AS q FROM promise
  WHERE site_id = $1 AND state = 'open' GROUP BY 1, 2) p USING (fulfilment_id, line_no)
LEFT JOIN (SELECT fulfilment_id, line_no, sum(quantity) AS q FROM reservation
  WHERE site_id = $1 AND {PENDING} AND purpose = 'order' GROUP BY 1, 2) r
  USING (fulfilment_id, line_no)
WHERE l.site_id = $1
  AND coalesce(p.q, 0) + coalesce(r.q, 0) > l.ordered - l.cancelled - l.picked
""",
    "I8-line-counts": f"""
SELECT l.fulfilment_id || '/' || l.line_no AS subject,
  'the line says promised ' || l.promised || ' reserved ' || l.reserved
    || ', the rows say ' || coalesce(p.q, 0) || ' and ' || coalesce(r.q, 0) AS fact
FROM fulfilment_line l
LEFT JOIN (SELECT fulfilment_id, line_no, sum(quantity) AS q FROM promise
  WHERE site_id = $1 AND state = 'open' GROUP BY 1, 2) p USING (fulfilment_id, line_no)
LEFT JOIN (SELECT fulfilment_id, line_no, sum(quantity) AS q FROM reservation
  WHERE site_id = $1 AND {PENDING} AND purpose = 'order' GROUP BY 1, 2) r
  USING (fulfilment_id, line_no)
WHERE l.site_id = $1
  AND (l.promised <> coalesce(p.q, 0) OR l.reserved <> coalesce(r.q, 0))
""",
    "I10-unit-place": """
SELECT u.epc_key AS subject, 'is in a handling unit that is elsewhere' AS fact
FROM unit u JOIN handling_unit h USING (site_id, handling_unit_id)
WHERE u.site_id = $1 AND u.state = 'present' AND u.location_id IS DISTINCT FROM h.location_id
""",
    "I10-unit-quant": """
WITH seen AS (
  SELECT u.owner_id, u.item_id, u.lot_id, u.location_id, u.handling_unit_id, u.status,
    count(*) AS units
  FROM unit u WHERE u.site_id = $1 AND u.state = 'present' GROUP BY 1, 2, 3, 4, 5, 6
), serial AS (SELECT item_id FROM item WHERE tracking IN ('serial', 'both')),
book AS (SELECT q.* FROM quant q JOIN serial USING (item_id) WHERE q.site_id = $1)
SELECT coalesce(s.item_id, b.item_id) || '@' || coalesce(s.location_id, b.location_id) AS subject,
  coalesce(s.units, 0) || ' units, on hand ' || coalesce(b.on_hand, 0) AS fact
FROM (SELECT s.* FROM seen s JOIN serial USING (item_id)) s FULL JOIN book b
  ON (b.owner_id, b.item_id, coalesce(b.lot_id, 0), b.location_id,
      coalesce(b.handling_unit_id::text, ''), b.status)
   = (s.owner_id, s.item_id, coalesce(s.lot_id, 0), s.location_id,
      coalesce(s.handling_unit_id::text, ''), s.status)
WHERE coalesce(s.units, 0) <> coalesce(b.on_hand, 0)
""",
    "I10-nesting": """
WITH RECURSIVE up AS (
  SELECT handling_unit_id, parent_id, 1 AS depth FROM handling_unit WHERE site_id = $1
  UNION ALL
  SELECT up.handling_unit_id, h.parent_id, up.depth + 1
  FROM up JOIN handling_unit h ON h.site_id = $1 AND h.handling_unit_id = up.parent_id
  WHERE up.depth < 32
)
SELECT handling_unit_id::text AS subject, 'nests deeper than 32 or in a circle' AS fact
FROM up WHERE depth = 32 AND parent_id IS NOT NULL
""",
}

RECORD = """
INSERT INTO verify_run (site_id, started_at, finished_at, drift, findings)
VALUES ($1, $2, $3, $4, $5::jsonb)
"""
