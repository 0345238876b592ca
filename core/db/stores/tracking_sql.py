"""The statements of the tracking store; each takes whole groups as arrays, `site_id` first."""

from __future__ import annotations

# An open transaction of a gateway that was paused must not hold the cell's row for long.
IDLE_LIMIT = "SET LOCAL idle_in_transaction_session_timeout = '3s'"
FENCE = "SELECT 1 FROM cell WHERE site_id = $1 AND cell = $2 AND epoch = $3 FOR SHARE"

ADVANCE = """
INSERT INTO cursor AS c (site_id, agent, boot, seq, digest, messages, dead_messages, applied, held,
  dead, epoch, updated_at)
SELECT $1, k.*, $2, $3 FROM unnest($4::text[], $5::bigint[], $6::bigint[], $7::bytea[],
  $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[])
  AS k(agent, boot, seq, digest, messages, dead_messages, applied, held, dead)
WHERE k.seq = k.messages + k.dead_messages OR EXISTS (SELECT FROM cursor o
  WHERE o.site_id = $1 AND o.agent = k.agent AND o.boot = k.boot)
ORDER BY k.agent, k.boot
ON CONFLICT (site_id, agent, boot) DO UPDATE SET seq = excluded.seq, digest = excluded.digest,
  messages = c.messages + excluded.messages,
  dead_messages = c.dead_messages + excluded.dead_messages, applied = c.applied + excluded.applied,
  held = c.held + excluded.held, dead = c.dead + excluded.dead, epoch = excluded.epoch,
  updated_at = excluded.updated_at
WHERE c.seq = excluded.seq - excluded.messages - excluded.dead_messages
"""
CURSORS = "SELECT agent, boot, seq, digest FROM cursor WHERE site_id = $1"

UNPLACED_LIMIT = 1_000
KEEP_PLACED = """
INSERT INTO dead_letter (site_id, topic, code, pointer, bytes, digest, received_at, agent, boot,
  seq, index)
SELECT $1, k.* FROM unnest($2::text[], $3::text[], $4::text[], $5::bytea[], $6::bytea[],
  $7::bigint[], $8::text[], $9::bigint[], $10::bigint[], $11::integer[]) AS k
"""
KEEP_UNPLACED = """
INSERT INTO dead_letter AS d (site_id, topic, code, pointer, bytes, digest, received_at, agent,
  boot)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9
WHERE (SELECT count(*) FROM dead_letter
    WHERE site_id = $1 AND seq IS NULL AND state = 'kept') < $10
  OR EXISTS (SELECT FROM dead_letter WHERE site_id = $1 AND digest = $6 AND code = $3
    AND seq IS NULL AND state = 'kept')
ON CONFLICT (site_id, digest, code) WHERE seq IS NULL AND state = 'kept'
DO UPDATE SET count = d.count + 1
"""
WAITING = """
SELECT agent, count(*) AS letters, coalesce(sum(length(bytes)), 0) AS bytes FROM dead_letter
WHERE site_id = $1 AND state = 'kept' AND seq IS NOT NULL GROUP BY agent
"""
HOLD = """
INSERT INTO hold AS h (site_id, epc, code, agent, device, antenna, first_seen_at, last_seen_at,
  count)
SELECT $1, k.* FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::integer[],
  $7::bigint[], $8::bigint[], $9::bigint[]) AS k(epc, code, agent, device, antenna, first_at,
  last_at, count)
ORDER BY k.epc
ON CONFLICT (site_id, epc) DO UPDATE SET count = h.count + excluded.count, code = excluded.code,
  agent = excluded.agent, device = excluded.device, antenna = excluded.antenna,
  last_seen_at = GREATEST(h.last_seen_at, excluded.last_seen_at),
  state = CASE WHEN h.state = 'ignored' THEN 'ignored' ELSE 'held' END
"""
STANDING = """
SELECT epc_key, 'retired' AS standing FROM tag_binding
WHERE site_id = $1 AND epc_key = ANY($2::text[]) AND state = 'retired'
UNION ALL SELECT epc_key, CASE WHEN state = 'retired' THEN 'retired' ELSE 'unit' END
FROM unit WHERE site_id = $1 AND epc_key = ANY($2::text[])
UNION ALL SELECT epc_key, 'handling_unit' FROM handling_unit
WHERE site_id = $1 AND epc_key = ANY($2::text[])
UNION ALL SELECT epc_key, 'unit' FROM asn_unit WHERE site_id = $1 AND epc_key = ANY($2::text[])
UNION ALL SELECT epc_key, 'location' FROM location
WHERE site_id = $1 AND epc_key = ANY($2::text[])
"""

_PLACES = """unnest($2::text[], $3::bigint[], $4::float8[], $5::bigint[], $6::bigint[], $7::text[],
  $8::text[], $9::bigint[], $10::bigint[], $11::boolean[])
  AS k(subject, location_id, confidence, since, last_seen_at, read_point, agent, boot, seq,
  changed)"""
PLACE = f"""
WITH given AS (SELECT k.* FROM {_PLACES} ORDER BY k.subject),
before AS (SELECT p.subject, p.location_id FROM position p JOIN given g ON g.subject = p.subject
  WHERE p.site_id = $1 FOR UPDATE OF p),
written AS (
  INSERT INTO position AS p (site_id, subject, location_id, confidence, since, last_seen_at,
    read_point, agent, boot, seq)
  SELECT $1, g.subject, g.location_id, g.confidence, g.since, g.last_seen_at, g.read_point, g.agent,
    g.boot, g.seq FROM given g
  ON CONFLICT (site_id, subject) DO UPDATE SET
    since = CASE WHEN p.location_id IS DISTINCT FROM excluded.location_id THEN excluded.since
      ELSE p.since END,
    location_id = excluded.location_id, confidence = excluded.confidence,
    last_seen_at = excluded.last_seen_at, read_point = excluded.read_point, agent = excluded.agent,
    boot = excluded.boot, seq = excluded.seq
  WHERE excluded.last_seen_at >= p.last_seen_at
  RETURNING p.subject)
SELECT g.subject, b.location_id AS before FROM written w JOIN given g ON g.subject = w.subject
LEFT JOIN before b ON b.subject = g.subject
WHERE g.changed AND (b.subject IS NULL OR b.location_id IS DISTINCT FROM g.location_id)
"""
END_CHANGE = """
UPDATE position_change c SET until = k.since
FROM unnest($2::text[], $3::bigint[]) AS k(subject, since)
WHERE c.site_id = $1 AND c.subject = k.subject AND c.until IS NULL AND c.since <= k.since
"""
ADD_CHANGE = """
INSERT INTO position_change (site_id, since, subject, from_location_id, to_location_id, confidence,
  read_point, agent, boot, seq)
SELECT $1, k.* FROM unnest($2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::float8[],
  $7::text[], $8::text[], $9::bigint[], $10::bigint[]) AS k
"""
MOVED_HANDLING_UNITS = """
SELECT h.handling_unit_id, h.epc_key, h.kind, h.owner_id, l.code AS location
FROM handling_unit h
JOIN unnest($2::text[], $3::bigint[]) AS k(epc_key, location_id) ON k.epc_key = h.epc_key
LEFT JOIN location l ON l.site_id = $1 AND l.location_id = k.location_id
WHERE h.site_id = $1 ORDER BY h.handling_unit_id
"""
POSITIONS = """
SELECT subject, location_id, since, last_seen_at, read_point FROM position
WHERE site_id = $1 AND last_seen_at >= $2 ORDER BY last_seen_at DESC LIMIT 100000
"""

OPEN_PASSES = """
SELECT pass_id, portal, opened_at, first_agent, first_boot, first_seq FROM pass
WHERE site_id = $1 AND state = 'open' ORDER BY opened_at
"""
BEGIN_PASSES = """
INSERT INTO pass (site_id, pass_id, portal, opened_at, first_agent, first_boot, first_seq,
  thresholds, epoch)
SELECT $1, k.*, $2 FROM unnest($3::uuid[], $4::text[], $5::bigint[], $6::text[], $7::bigint[],
  $8::bigint[], $9::text[]) AS k
ON CONFLICT (site_id, pass_id) DO NOTHING
"""
WRITE_PASS = """
UPDATE pass SET state = $3, verdict = $4, mode = $5, confidence = $6, closed_at = $7, decider = $8,
  decider_at = $9, decided_at = $10, features = $11::jsonb, epoch = $12,
  visit_id = coalesce($13, visit_id)
WHERE site_id = $1 AND pass_id = $2 AND state = 'open'
"""
WRITE_TAGS = """
INSERT INTO pass_tag (site_id, pass_id, epc, epc_key, outcome, reason, features, evidence)
SELECT $1, $2, k.epc, k.epc_key, k.outcome, k.reason, k.features::jsonb, k.evidence::jsonb
FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
  AS k(epc, epc_key, outcome, reason, features, evidence)
ON CONFLICT (site_id, pass_id, epc) DO UPDATE SET outcome = excluded.outcome,
  reason = excluded.reason, features = excluded.features, evidence = excluded.evidence,
  epc_key = excluded.epc_key
"""

READY_TOTES = """
SELECT h.epc_key FROM handling_unit h JOIN fulfilment f
  ON f.site_id = h.site_id AND f.tote_id = h.handling_unit_id
WHERE h.site_id = $1 AND h.epc_key = ANY($2::text[]) AND f.state = 'picked'
"""

AGENT_STATUS = """
INSERT INTO agent_status AS s (site_id, agent, state, boot, seq, sent_at, received_at, spooled,
  free_bytes, oldest_at, clock_offset_ms, version, config_version, config_offered, config_state,
  config_error)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
ON CONFLICT (site_id, agent) DO UPDATE SET state = excluded.state, boot = excluded.boot,
  seq = excluded.seq, sent_at = excluded.sent_at, received_at = excluded.received_at,
  spooled = excluded.spooled, free_bytes = excluded.free_bytes, oldest_at = excluded.oldest_at,
  clock_offset_ms = excluded.clock_offset_ms, version = excluded.version,
  config_version = CASE WHEN excluded.state = 'offline' THEN s.config_version
    ELSE excluded.config_version END,
  config_offered = CASE WHEN excluded.state = 'offline' THEN s.config_offered
    ELSE excluded.config_offered END,
  config_state = CASE WHEN excluded.state = 'offline' THEN s.config_state
    ELSE excluded.config_state END,
  config_error = CASE WHEN excluded.state = 'offline' THEN s.config_error
    ELSE excluded.config_error END
WHERE excluded.state = 'offline' OR excluded.sent_at >= s.sent_at OR s.state = 'offline'
"""
DEVICE_STATES = """
INSERT INTO device_state AS d (site_id, agent, device, state, since, health)
SELECT $1, $2, k.device, k.state, $3, k.health
FROM unnest($4::text[], $5::text[], $6::jsonb[]) AS k(device, state, health)
ON CONFLICT (site_id, agent, device) DO UPDATE SET state = excluded.state,
  since = CASE WHEN d.state = excluded.state THEN d.since ELSE excluded.since END,
  health = excluded.health
WHERE d.state <> excluded.state OR d.health <> excluded.health
"""
CONFIG_REPORT = """
UPDATE agent_config SET state = $4, error = $5, reported_at = $6
WHERE site_id = $1 AND agent = $2 AND version = $3 AND (state, error) IS DISTINCT FROM ($4, $5)
"""
HEARD = """
UPDATE device_state d SET last_read_at = GREATEST(coalesce(d.last_read_at, 0), k.at)
FROM unnest($2::text[], $3::text[], $4::bigint[]) AS k(agent, device, at)
WHERE d.site_id = $1 AND d.agent = k.agent AND d.device = k.device
"""
JAM = "INSERT INTO belt_jam (site_id, belt, since) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
CLEAR = "DELETE FROM belt_jam WHERE site_id = $1 AND belt = $2"

AGENTS = "SELECT agent, cell, state FROM agent WHERE site_id = $1"
DEVICES = "SELECT agent, device, driver, belts, outputs FROM device WHERE site_id = $1"
READ_POINTS = """
SELECT read_point, agent, device, antenna, gpi_port, role, portal, side, location_id
FROM read_point WHERE site_id = $1
"""
PORTALS = """
SELECT portal, cell, door_location_id, inside_location_id, settings FROM portal WHERE site_id = $1
"""
LOCATIONS = "SELECT code, location_id FROM location WHERE site_id = $1"
JAMMED = "SELECT belt FROM belt_jam WHERE site_id = $1"

# Where a fixed antenna listens: the middle of its place, or of the door of its portal.
SPOTS = """
SELECT r.read_point, coalesce(r.portal, l.code) AS name,
  l.x_m + coalesce(l.width_m, 0) / 2 AS x_m, l.y_m + coalesce(l.depth_m, 0) / 2 AS y_m
FROM read_point r LEFT JOIN portal p ON p.site_id = r.site_id AND p.portal = r.portal
JOIN location l ON l.site_id = r.site_id
  AND l.location_id = coalesce(r.location_id, p.door_location_id)
WHERE r.site_id = $1 AND r.antenna IS NOT NULL
"""
TRAVEL = "SELECT settings -> 'travel' FROM site WHERE site_id = $1"
