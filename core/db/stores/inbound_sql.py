"""Statements of ASNs, receipts and handling units."""

from __future__ import annotations

ADD = """
INSERT INTO asn (site_id, asn_id, owner_id, external_asn_id, supplier, state, expected_at,
  created_at)
VALUES ($1, $2, $3, $4, $5, 'announced', $6, $7) ON CONFLICT DO NOTHING RETURNING asn_id
"""
ADD_LINES = """
INSERT INTO asn_line (site_id, asn_id, line_no, item_id, lot_id, expected)
SELECT $1, $2, k.* FROM unnest($3::int[], $4::bigint[], $5::bigint[], $6::bigint[]) AS k
"""
ANNOUNCE_HOLDERS = """
INSERT INTO handling_unit AS h (site_id, handling_unit_id, epc_key, kind, owner_id, state,
  created_at, changed_at)
SELECT $1, k.id, k.epc_key, k.kind, $2, 'announced', $3, $3
FROM unnest($4::uuid[], $5::text[], $6::text[]) AS k(id, epc_key, kind)
ON CONFLICT (site_id, epc_key) DO NOTHING RETURNING h.epc_key
"""
# A unit may be announced when it is new, or when it has left and belongs to the same item.
ANNOUNCE_UNITS = """
INSERT INTO unit AS u (site_id, epc_key, owner_id, item_id, lot_id, state, changed_at)
SELECT $1, k.epc_key, $2, k.item_id, k.lot_id, 'announced', $3
FROM unnest($4::text[], $5::bigint[], $6::bigint[]) AS k(epc_key, item_id, lot_id)
ON CONFLICT (site_id, epc_key) DO UPDATE SET state = 'announced', changed_at = $3
WHERE u.state IN ('gone', 'announced') AND u.item_id = excluded.item_id
  AND u.owner_id = excluded.owner_id
RETURNING u.epc_key
"""
# What was bound once and is not any more: an EPC stands for one thing, for ever.
SPENT = """
SELECT epc_key FROM tag_binding
WHERE site_id = $1 AND epc_key = ANY($2::text[]) AND state = 'retired'
"""
LIVE = """
SELECT au.epc_key FROM asn_unit au JOIN asn a ON a.site_id = au.site_id AND a.asn_id = au.asn_id
WHERE au.site_id = $1 AND au.epc_key = ANY($2::text[]) AND au.state = 'expected'
  AND a.state IN ('announced', 'arrived', 'receiving')
"""
ADD_UNITS = """
INSERT INTO asn_unit (site_id, asn_id, epc_key, line_no, handling_unit_id)
SELECT $1, $2, k.* FROM unnest($3::text[], $4::int[], $5::uuid[]) AS k
"""
LOCK = """
SELECT asn_id, owner_id, external_asn_id, supplier, state, expected_at FROM asn
WHERE site_id = $1 AND asn_id = $2 AND ($3::text[] IS NULL OR owner_id = ANY($3::text[])) FOR UPDATE
"""
LINES = """
SELECT l.line_no, l.item_id, l.lot_id, i.sku, l.expected, l.received
FROM asn_line l JOIN item i ON i.item_id = l.item_id
WHERE l.site_id = $1 AND l.asn_id = $2 ORDER BY l.line_no
"""
LOCK_MANY = """
SELECT asn_id FROM asn WHERE site_id = $1 AND asn_id = ANY($2::uuid[])
  AND state IN ('announced', 'arrived', 'receiving') ORDER BY asn_id FOR UPDATE
"""
RECEIVE = """
UPDATE asn_unit au SET state = 'received', pass_id = $4
FROM unnest($2::uuid[], $3::text[]) AS k(asn_id, epc_key)
WHERE au.site_id = $1 AND au.asn_id = k.asn_id AND au.epc_key = k.epc_key AND au.state = 'expected'
RETURNING au.asn_id, au.line_no, au.epc_key
"""
GIVE_BACK = """
UPDATE asn_unit au SET state = 'expected', pass_id = NULL
FROM unnest($2::uuid[], $3::text[]) AS k(asn_id, epc_key)
WHERE au.site_id = $1 AND au.asn_id = k.asn_id AND au.epc_key = k.epc_key AND au.state = 'received'
RETURNING au.asn_id, au.line_no, au.epc_key
"""
COUNT = """
UPDATE asn_line l SET received = l.received + k.change
FROM unnest($2::uuid[], $3::int[], $4::bigint[]) AS k(asn_id, line_no, change)
WHERE l.site_id = $1 AND l.asn_id = k.asn_id AND l.line_no = k.line_no
"""
RECEIVING = """
UPDATE asn SET state = 'receiving', arrived_at = COALESCE(arrived_at, $3)
WHERE site_id = $1 AND asn_id = ANY($2::uuid[]) AND state IN ('announced', 'arrived')
"""
PLACE = """
UPDATE handling_unit h SET state = k.state, location_id = k.location_id, parent_id = k.parent_id,
  changed_at = $2
FROM unnest($3::uuid[], $4::text[], $5::bigint[], $6::uuid[])
  AS k(id, state, location_id, parent_id)
WHERE h.site_id = $1 AND h.handling_unit_id = k.id
"""
# A unit or handling unit that no other ASN names and no move ever touched is forgotten.
WITHDRAW = (
    """
    DELETE FROM unit u USING asn_unit au
    WHERE au.site_id = $1 AND au.asn_id = $2 AND u.site_id = $1 AND u.epc_key = au.epc_key
      AND u.state = 'announced' AND NOT EXISTS (SELECT 1 FROM move m WHERE m.site_id = $1
        AND m.epc_key = u.epc_key)
      AND NOT EXISTS (SELECT 1 FROM asn_unit o WHERE o.site_id = $1 AND o.epc_key = u.epc_key
        AND o.asn_id <> $2)
    """,
    """
    DELETE FROM handling_unit h USING asn_unit au
    WHERE au.site_id = $1 AND au.asn_id = $2 AND h.site_id = $1
      AND h.handling_unit_id = au.handling_unit_id AND h.state = 'announced'
      AND NOT EXISTS (SELECT 1 FROM move m WHERE m.site_id = $1
        AND m.target_handling_unit_id = h.handling_unit_id)
    """,
)
_DATED = "unnest($1::bigint[], $2::bigint[]) AS k(lot_id, expires_at)"
DATE_LOTS = f"""
UPDATE lot l SET expires_at = k.expires_at FROM {_DATED}
WHERE l.lot_id = k.lot_id AND l.expires_at IS NULL
"""
OTHER_DATES = f"""
SELECT l.lot_id FROM lot l JOIN {_DATED} ON l.lot_id = k.lot_id WHERE l.expires_at <> k.expires_at
"""
