"""Statements of the webhook store."""

from __future__ import annotations

_ENDPOINT = """endpoint_id, owner_id, url, events, timeout_s, secret, previous_secret, rotated_at,
  state, state_reason, created_at"""
ENDPOINTS = f"""
SELECT {_ENDPOINT} FROM webhook_endpoint
WHERE site_id = $1 AND ($2::text[] IS NULL OR owner_id = ANY($2))
  AND ($3::uuid IS NULL OR endpoint_id > $3)
ORDER BY endpoint_id LIMIT $4
"""
ACTIVE = f"SELECT {_ENDPOINT} FROM webhook_endpoint WHERE site_id = $1 AND state = 'active'"
ENDPOINT = f"""
SELECT {_ENDPOINT} FROM webhook_endpoint
WHERE site_id = $1 AND endpoint_id = $2 AND ($3::text[] IS NULL OR owner_id = ANY($3)) FOR UPDATE
"""
# The owner is locked by name, so that two that come together cannot both be the last one allowed.
LOCK_OWNER = "SELECT pg_advisory_xact_lock(hashtextextended('webhooks/' || $1 || '/' || $2, 0))"
COUNT = "SELECT count(*) FROM webhook_endpoint WHERE site_id = $1 AND owner_id = $2"
ADD = """
INSERT INTO webhook_endpoint (endpoint_id, site_id, owner_id, url, events, timeout_s, secret,
  created_at, active_since) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
"""
DELETE_DELIVERIES = "DELETE FROM webhook_delivery WHERE endpoint_id = $1"
DELETE = "DELETE FROM webhook_endpoint WHERE site_id = $1 AND endpoint_id = $2"
SET_SECRET = """
UPDATE webhook_endpoint SET secret = $3, previous_secret = $4, rotated_at = $5
WHERE site_id = $1 AND endpoint_id = $2
"""
SET_STATE = """
UPDATE webhook_endpoint SET state = $3, state_reason = $4,
  active_since = CASE WHEN $3 = 'active' THEN $5 ELSE active_since END
WHERE site_id = $1 AND endpoint_id = $2
"""
WAKE = """
UPDATE webhook_delivery SET due_at = $2, lease_until = NULL
WHERE endpoint_id = $1 AND state = 'due'
"""
ADD_DELIVERIES = """
INSERT INTO webhook_delivery (delivery_id, endpoint_id, outbox_id, event, aggregate, body, due_at,
  created_at)
SELECT k.*, $1, $1 FROM unnest($2::uuid[], $3::uuid[], $4::bigint[], $5::text[], $6::text[],
  $7::bytea[]) AS k
ON CONFLICT (endpoint_id, outbox_id) DO NOTHING
"""
# What may be tried now: due, not leased, and nothing older of its aggregate still waits.
_READY = """d.endpoint_id = e.endpoint_id AND d.state = 'due' AND d.due_at <= $2
    AND (d.lease_until IS NULL OR d.lease_until <= $2)
    AND NOT EXISTS (SELECT FROM webhook_delivery b WHERE b.endpoint_id = d.endpoint_id
      AND b.aggregate = d.aggregate AND b.state = 'due' AND b.outbox_id < d.outbox_id)"""
DUE_ENDPOINTS = f"""
SELECT e.endpoint_id FROM webhook_endpoint e
WHERE e.site_id = $1 AND e.state = 'active'
  AND EXISTS (SELECT FROM webhook_delivery d WHERE {_READY})
ORDER BY e.endpoint_id LIMIT $3
"""
CLAIM = f"""
WITH next AS (
  SELECT d.delivery_id, e.url, e.timeout_s, e.secret, e.previous_secret, e.rotated_at
  FROM webhook_endpoint e JOIN webhook_delivery d ON {_READY}
  WHERE e.site_id = $1 AND e.endpoint_id = $3 AND e.state = 'active'
  ORDER BY d.outbox_id LIMIT 1 FOR UPDATE OF d SKIP LOCKED)
UPDATE webhook_delivery d SET lease_until = $2 + $4 FROM next WHERE d.delivery_id = next.delivery_id
RETURNING d.delivery_id, d.endpoint_id, d.body, d.attempts, next.url, next.timeout_s, next.secret,
  next.previous_secret, next.rotated_at
"""
SETTLE = """
UPDATE webhook_delivery SET attempts = $2, state = $3, due_at = $4, last_outcome = $5,
  lease_until = NULL, delivered_at = CASE WHEN $3 = 'due' THEN NULL ELSE $6::bigint END
WHERE delivery_id = $1 AND state = 'due' AND attempts = $2 - 1
"""
REPLAY = """
UPDATE webhook_delivery SET state = 'due', attempts = 0, due_at = $3, lease_until = NULL,
  delivered_at = NULL
WHERE endpoint_id = $1 AND state = 'dead' AND created_at >= $2
"""
DELIVERIES = """
SELECT delivery_id, outbox_id, event, aggregate, state, attempts, due_at, last_outcome, created_at,
  delivered_at
FROM webhook_delivery
WHERE endpoint_id = $1 AND ($2::text IS NULL OR state = $2) AND ($3::bigint IS NULL
  OR outbox_id < $3)
ORDER BY outbox_id DESC LIMIT $4
"""
FORGET = """
DELETE FROM webhook_delivery WHERE delivery_id IN (
  SELECT d.delivery_id FROM webhook_delivery d JOIN webhook_endpoint e USING (endpoint_id)
  WHERE e.site_id = $1 AND d.state <> 'due' AND d.delivered_at < $2 LIMIT $3)
"""
INBOUND = """
SELECT channel, owner_id, secret, previous_secret, rotated_at FROM inbound_secret
WHERE site_id = $1 AND channel = $2
"""
SET_INBOUND = """
INSERT INTO inbound_secret (site_id, channel, owner_id, secret, previous_secret, rotated_at,
  created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (site_id, channel) DO UPDATE SET owner_id = excluded.owner_id,
  secret = excluded.secret, previous_secret = excluded.previous_secret,
  rotated_at = excluded.rotated_at
"""
SEEN = """
INSERT INTO inbound_seen AS s (site_id, channel, webhook_id, seen_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (site_id, channel, webhook_id) DO UPDATE SET seen_at = excluded.seen_at
WHERE s.seen_at < $5 RETURNING 1
"""
