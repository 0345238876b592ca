"""The statements of the tag store; `$1` is the site."""

from __future__ import annotations

# Two people who bind one EPC at once wait for each other.
RESERVE = """
SELECT pg_advisory_xact_lock(hashtextextended($1 || ' tag ' || k, 0))
FROM unnest($2::text[]) AS k ORDER BY k
"""
HOLDER = """
SELECT 'retired' AS what, 'tag' AS name, owner_id FROM tag_binding
WHERE site_id = $1 AND epc_key = $2 AND state = 'retired'
UNION ALL
SELECT CASE WHEN u.state = 'retired' THEN 'retired' ELSE 'unit' END, i.sku, u.owner_id
FROM unit u JOIN item i USING (item_id) WHERE u.site_id = $1 AND u.epc_key = $2
UNION ALL
SELECT 'handling_unit', kind, owner_id FROM handling_unit WHERE site_id = $1 AND epc_key = $2
UNION ALL
SELECT 'location', code, NULL FROM location WHERE site_id = $1 AND epc_key = $2
LIMIT 1
"""
ITEM = """
SELECT i.item_id, i.tracking, array_remove(array_agg(p.gtin) || i.gtin, NULL) AS gtins
FROM item i LEFT JOIN item_packaging p USING (item_id)
WHERE i.owner_id = $1 AND i.sku = $2 AND i.active GROUP BY i.item_id
"""
LOT = """
INSERT INTO lot (item_id, code) VALUES ($1, $2)
ON CONFLICT (item_id, code) DO UPDATE SET code = excluded.code RETURNING lot_id
"""
LOCK_QUANT = """
SELECT on_hand FROM quant WHERE site_id = $1 AND owner_id = $2 AND item_id = $3
  AND lot_id IS NOT DISTINCT FROM $4 AND location_id = $5 AND handling_unit_id IS NOT DISTINCT
  FROM $6 AND status = $7 FOR UPDATE
"""
TAGGED = """
SELECT count(*) FROM unit WHERE site_id = $1 AND owner_id = $2 AND item_id = $3
  AND lot_id IS NOT DISTINCT FROM $4 AND location_id = $5 AND handling_unit_id IS NOT DISTINCT
  FROM $6 AND status = $7 AND state = 'present'
"""
ADD_UNIT = """
INSERT INTO unit (site_id, epc_key, owner_id, item_id, lot_id, state, status, location_id,
  handling_unit_id, changed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
BIND = """
INSERT INTO tag_binding (site_id, epc_key, epc, owner_id, item_id, lot_id, handling_unit_id,
  replaces, bound_reason, bound_by, bound_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""
RELEASE = """
UPDATE hold SET state = 'released', decided_by = $3, reason = $4, decided_at = $5
WHERE site_id = $1 AND epc = $2
"""
BEARER = """
SELECT u.owner_id, u.item_id, u.lot_id, NULL::uuid AS handling_unit_id, u.state, i.tracking,
  u.state = 'present' AS present, false AS filled,
  EXISTS (SELECT FROM asn_unit a WHERE a.site_id = $1 AND a.epc_key = $2
    AND a.state = 'expected') AS expected
FROM unit u JOIN item i USING (item_id)
WHERE u.site_id = $1 AND u.epc_key = $2 AND u.state <> 'retired' FOR UPDATE OF u
"""
CARRIER_BEARER = """
SELECT h.owner_id, NULL::bigint AS item_id, NULL::bigint AS lot_id, h.handling_unit_id, h.state,
  'none' AS tracking, h.location_id IS NOT NULL AS present,
  EXISTS (SELECT FROM quant q WHERE q.site_id = $1 AND q.handling_unit_id = h.handling_unit_id)
  OR EXISTS (SELECT FROM handling_unit c WHERE c.site_id = $1
    AND c.parent_id = h.handling_unit_id)
  OR EXISTS (SELECT FROM asn_unit a WHERE a.site_id = $1
    AND a.handling_unit_id = h.handling_unit_id AND a.state = 'expected') AS filled,
  false AS expected
FROM handling_unit h WHERE h.site_id = $1 AND h.epc_key = $2 AND NOT EXISTS (
  SELECT FROM tag_binding t WHERE t.site_id = $1 AND t.epc_key = $2 AND t.state = 'retired')
FOR UPDATE OF h
"""
NEW_UNIT = """
INSERT INTO unit (site_id, epc_key, owner_id, item_id, lot_id, state, status, location_id,
  handling_unit_id, reservation_id, changed_at)
SELECT site_id, $3, owner_id, item_id, lot_id, state, status, location_id, handling_unit_id,
  reservation_id, $4 FROM unit WHERE site_id = $1 AND epc_key = $2
"""
RETIRE_UNIT = """
UPDATE unit SET state = 'retired', location_id = NULL, handling_unit_id = NULL,
  reservation_id = NULL, changed_at = $3
WHERE site_id = $1 AND epc_key = $2
"""
RENAME_CARRIER = """
UPDATE handling_unit SET epc_key = $3, changed_at = $4 WHERE site_id = $1 AND epc_key = $2
"""
DROP_CARRIER = """
UPDATE handling_unit SET state = 'gone', location_id = NULL, parent_id = NULL, changed_at = $3
WHERE site_id = $1 AND epc_key = $2
"""
RETIRE = """
INSERT INTO tag_binding AS t (site_id, epc_key, owner_id, item_id, lot_id, handling_unit_id, state,
  ended, replaced_by, retired_reason, retired_by, retired_at)
VALUES ($1, $2, $3, $4, $5, $6, 'retired', $7, $8, $9, $10, $11)
ON CONFLICT (site_id, epc_key) DO UPDATE SET state = 'retired', ended = excluded.ended,
  replaced_by = excluded.replaced_by, retired_reason = excluded.retired_reason,
  retired_by = excluded.retired_by, retired_at = excluded.retired_at
WHERE t.state = 'bound'
"""
# A tag with all that it took the place of and that took its place.
CHAIN = """
WITH RECURSIVE links AS (
  SELECT epc_key, replaces, replaced_by FROM tag_binding WHERE site_id = $1 AND epc_key = $2
  UNION
  SELECT t.epc_key, t.replaces, t.replaced_by FROM links l JOIN tag_binding t
    ON t.site_id = $1 AND t.epc_key IN (l.replaces, l.replaced_by)
)
SELECT t.* FROM links JOIN tag_binding t ON t.site_id = $1 AND t.epc_key = links.epc_key
ORDER BY coalesce(t.bound_at, 0), coalesce(t.retired_at, 9223372036854775807)
"""
CARRIED_BY = """
SELECT 'unit' AS what, u.owner_id, i.sku, l.code AS lot, u.state, p.code AS location,
  u.handling_unit_id, NULL AS kind
FROM unit u JOIN item i USING (item_id) LEFT JOIN lot l ON l.lot_id = u.lot_id
LEFT JOIN location p ON p.site_id = $1 AND p.location_id = u.location_id
WHERE u.site_id = $1 AND u.epc_key = $2
UNION ALL
SELECT 'handling_unit', h.owner_id, NULL, NULL, h.state, p.code, h.handling_unit_id, h.kind
FROM handling_unit h LEFT JOIN location p ON p.site_id = $1 AND p.location_id = h.location_id
WHERE h.site_id = $1 AND h.epc_key = $2
"""
SUSPICIONS = """
SELECT epc_key AS key, cause, facts, opened_at, verdict, reason, resolved_by, resolved_at
FROM tag_quarantine WHERE site_id = $1 AND epc_key = $2 ORDER BY opened_at
"""
SUSPECTS = """
SELECT epc_key FROM tag_quarantine
WHERE site_id = $1 AND epc_key = ANY($2::text[]) AND resolved_at IS NULL
"""
LEARN_CHIPS = """
INSERT INTO tag_chip (site_id, epc_key, tid, first_seen_at)
SELECT $1, k.epc_key, k.tid, $4 FROM unnest($2::text[], $3::text[]) AS k(epc_key, tid)
ORDER BY k.epc_key ON CONFLICT DO NOTHING
"""
CHIPS = "SELECT epc_key, tid FROM tag_chip WHERE site_id = $1 AND epc_key = ANY($2::text[])"
SUSPECT = """
INSERT INTO tag_quarantine (site_id, quarantine_id, epc_key, cause, facts, opened_at)
VALUES ($1, $2, $3, $4, $5::jsonb, $6)
ON CONFLICT (site_id, epc_key) WHERE resolved_at IS NULL DO NOTHING RETURNING 1
"""
OWNER = """
SELECT owner_id FROM unit WHERE site_id = $1 AND epc_key = $2
UNION ALL SELECT owner_id FROM handling_unit WHERE site_id = $1 AND epc_key = $2 LIMIT 1
"""
CLEAR = """
UPDATE tag_quarantine SET verdict = $3, reason = $4, resolved_by = $5, resolved_at = $6
WHERE site_id = $1 AND epc_key = $2 AND resolved_at IS NULL
"""
FORGET_CHIP = "DELETE FROM tag_chip WHERE site_id = $1 AND epc_key = $2"
OPEN_SUSPICIONS = """
SELECT q.epc_key AS key, q.cause, q.facts, q.opened_at, o.owner_id
FROM tag_quarantine q LEFT JOIN LATERAL (
  SELECT owner_id FROM unit u WHERE u.site_id = $1 AND u.epc_key = q.epc_key
  UNION ALL SELECT owner_id FROM handling_unit h WHERE h.site_id = $1 AND h.epc_key = q.epc_key
  LIMIT 1) o ON true
WHERE q.site_id = $1 AND q.resolved_at IS NULL
  AND ($2::text[] IS NULL OR o.owner_id IS NULL OR o.owner_id = ANY($2::text[]))
ORDER BY q.opened_at DESC LIMIT $3
"""
UNNOTICED = """
SELECT k FROM unnest($3::text[]) AS k WHERE NOT EXISTS (SELECT FROM exception e
  WHERE e.site_id = $1 AND e.kind = $2 AND e.subject = k AND e.resolved_at IS NULL)
ORDER BY k
"""
