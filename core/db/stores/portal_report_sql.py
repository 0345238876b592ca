"""A portal's word on each tag against the truth that people and the visit's end told of it.

Truth: a scan at the door or a pass that a person confirmed says that a tag crossed (what a portal
booked by itself is its own word again); a dismissed or reversed pass, a unit closed as short, and a
closed visit that people scanned without this tag say that it did not. A pass that a person settled
says nothing about its tags: it was undecided.
"""

from __future__ import annotations

_PASSES = """
WITH seen AS (
  SELECT p.pass_id, p.state, p.booking, p.first_agent = 'scan' AS scanned,
    (p.state = 'undecided' OR p.features->>'called' IS NOT DISTINCT FROM 'undecided')
      AS doubtful,
    p.booking = 'booked' AND p.settled_by IS NOT NULL AS confirmed,
    p.closed_at AS at, v.visit_id, COALESCE(v.state = 'closed', false) AS over
  FROM pass p LEFT JOIN LATERAL (SELECT v.visit_id, v.state FROM door_visit v
    WHERE v.site_id = p.site_id AND v.portal = p.portal AND (v.visit_id = p.visit_id
      OR (p.visit_id IS NULL AND v.opened_at <= p.closed_at
        AND (v.closed_at IS NULL OR v.closed_at >= p.opened_at)))
    ORDER BY v.opened_at DESC LIMIT 1) v ON true
  WHERE p.site_id = $1 AND p.portal = $2 AND p.closed_at IS NOT NULL
), tag AS (
  SELECT s.*, t.epc_key, t.outcome,
    COALESCE(u.owner_id, h.owner_id) AS owner
  FROM seen s JOIN pass_tag t ON t.site_id = $1 AND t.pass_id = s.pass_id
  LEFT JOIN unit u ON u.site_id = $1 AND u.epc_key = t.epc_key
  LEFT JOIN handling_unit h ON h.site_id = $1 AND h.epc_key = t.epc_key
  WHERE t.epc_key IS NOT NULL AND t.outcome NOT IN ('missing', 'not_seen', 'unknown')
), mark AS (
  SELECT d.direction, o.owner, COALESCE($3::bigint, m.since, g.since, 0) AS since
  FROM (VALUES ('in'), ('out')) d(direction)
  CROSS JOIN (SELECT DISTINCT owner FROM tag WHERE owner IS NOT NULL UNION SELECT '*') o(owner)
  LEFT JOIN portal_mode m ON m.site_id = $1 AND m.portal = $2 AND m.direction = d.direction
    AND m.owner_id = o.owner
  LEFT JOIN portal_mode g ON g.site_id = $1 AND g.portal = $2 AND g.direction = d.direction
    AND g.owner_id = '*'
)
"""
TAGS = (
    _PASSES
    + """
, crossed AS (
  SELECT DISTINCT visit_id, state, epc_key FROM tag
  WHERE scanned AND outcome = 'matched' AND state IN ('in', 'out')
), told AS (
  SELECT a.state AS direction, a.owner, a.at, CASE
    WHEN a.outcome = 'rejected' THEN CASE
      WHEN EXISTS (SELECT 1 FROM crossed c WHERE c.visit_id = a.visit_id AND c.state = a.state
        AND c.epc_key = a.epc_key) THEN NULL
      WHEN a.confirmed OR (a.over AND EXISTS (SELECT 1 FROM crossed c
        WHERE c.visit_id = a.visit_id AND c.state = a.state)) THEN 'reject_agreed' END
    WHEN a.booking IN ('dismissed', 'reversed') THEN 'false_accept'
    WHEN a.state = 'in' AND EXISTS (SELECT 1 FROM asn_unit n WHERE n.site_id = $1
      AND n.epc_key = a.epc_key AND n.state = 'short') THEN 'false_accept'
    WHEN a.confirmed OR EXISTS (SELECT 1 FROM crossed c WHERE c.visit_id = a.visit_id
      AND c.state = a.state AND c.epc_key = a.epc_key) THEN 'agreed'
    WHEN a.over AND EXISTS (SELECT 1 FROM crossed c WHERE c.visit_id = a.visit_id
      AND c.state = a.state) THEN 'false_accept'
    ELSE 'open' END AS word
  FROM tag a WHERE NOT a.scanned AND NOT a.doubtful AND a.state IN ('in', 'out')
  UNION ALL
  SELECT s.state, s.owner, max(s.at), 'false_reject'
  FROM tag s WHERE s.scanned AND s.outcome = 'matched' AND s.visit_id IS NOT NULL
    AND EXISTS (SELECT 1 FROM seen r WHERE r.visit_id = s.visit_id AND NOT r.scanned)
    AND NOT EXISTS (SELECT 1 FROM tag r WHERE r.visit_id = s.visit_id AND NOT r.scanned
      AND r.epc_key = s.epc_key AND (r.doubtful OR (r.state = s.state
        AND r.outcome <> 'rejected')))
  GROUP BY s.visit_id, s.state, s.owner, s.epc_key
)
SELECT k.direction, k.owner, count(*) FILTER (WHERE t.word <> 'reject_agreed') AS tags,
  count(*) FILTER (WHERE t.word = 'agreed') AS agreed,
  count(*) FILTER (WHERE t.word = 'false_accept') AS false_accepts,
  count(*) FILTER (WHERE t.word = 'false_reject') AS false_rejects,
  count(*) FILTER (WHERE t.word = 'reject_agreed') AS rejects_agreed
FROM mark k JOIN told t ON t.direction = k.direction AND k.owner IN (t.owner, '*')
  AND t.at >= k.since
GROUP BY k.direction, k.owner
"""
)
PASSES = (
    _PASSES
    + """
SELECT k.direction, k.owner, count(*) AS passes,
  count(*) FILTER (WHERE s.doubtful) AS undecided,
  count(*) FILTER (WHERE NOT s.doubtful AND s.confirmed)
    AS confirmed,
  count(*) FILTER (WHERE s.booking = 'dismissed') AS dismissed,
  count(*) FILTER (WHERE s.booking = 'reversed') AS reversed
FROM mark k JOIN seen s ON s.state = k.direction AND s.at >= k.since AND NOT s.scanned
  AND (k.owner = '*' OR EXISTS (SELECT 1 FROM tag t WHERE t.pass_id = s.pass_id
    AND t.owner = k.owner AND t.outcome <> 'rejected'))
GROUP BY k.direction, k.owner
"""
)
MODES = """
SELECT direction, owner_id AS owner, mode, since FROM portal_mode
WHERE site_id = $1 AND portal = $2
"""
PORTAL = """
SELECT s.settings::text AS settings, (SELECT count(*) FROM pass q WHERE q.site_id = p.site_id
  AND q.portal = p.portal AND q.state = 'undecided') AS waiting
FROM portal p JOIN site s ON s.site_id = p.site_id WHERE p.site_id = $1 AND p.portal = $2
"""
