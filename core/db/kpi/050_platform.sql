-- The product itself: agents, devices, dead letters, trends of what has no history of its own.
CREATE OR REPLACE VIEW kpi.agents_v1 AS
SELECT a.site_id, a.agent, coalesce(s.state, 'unheard') AS state,
  to_timestamp(s.received_at / 1e6) AS heard_at,
  round((extract(epoch FROM now()) - s.received_at / 1e6)::numeric, 1) AS age_s,
  greatest(s.seq - coalesce(c.seq, 0), 0) AS lag, s.spooled, s.clock_offset_ms, s.version,
  CASE WHEN coalesce(s.state, 'offline') = 'offline'
    OR extract(epoch FROM now()) - s.received_at / 1e6 > 8 THEN 1 ELSE 0 END AS value,
  now() AS as_of
FROM agent a
LEFT JOIN agent_status s ON s.site_id = a.site_id AND s.agent = a.agent
LEFT JOIN cursor c ON c.site_id = a.site_id AND c.agent = a.agent AND c.boot = s.boot
WHERE a.state = 'active';
COMMENT ON VIEW kpi.agents_v1 IS
'Edge agents; value 1 for each that is silent (offline, not heard for 8 s, or never). Unit: agents.';

CREATE OR REPLACE VIEW kpi.devices_v1 AS
SELECT d.site_id, d.agent, d.device, d.driver, coalesce(s.state, 'unheard') AS state,
  to_timestamp(s.since / 1e6) AS since, to_timestamp(s.last_read_at / 1e6) AS last_read_at,
  CASE WHEN s.state IS DISTINCT FROM 'live' THEN 1 ELSE 0 END AS value, now() AS as_of
FROM device d
LEFT JOIN device_state s ON s.site_id = d.site_id AND s.agent = d.agent AND s.device = d.device;
COMMENT ON VIEW kpi.devices_v1 IS
'Readers and sensors; value 1 for each that is stale, dead or never heard. Zero reads is a value,
never a state. Unit: devices.';

CREATE OR REPLACE VIEW kpi.dead_letters_v1 AS
SELECT site_id, code, coalesce(agent, '-') AS agent, sum(count) AS value,
  to_timestamp(min(received_at) / 1e6) AS oldest_at,
  to_timestamp(max(received_at) / 1e6) AS newest_at, now() AS as_of
FROM dead_letter WHERE state = 'kept' GROUP BY site_id, code, agent;
COMMENT ON VIEW kpi.dead_letters_v1 IS
'Readings kept outside the ledger with their reason, not yet driven again or given up. Unit:
readings.';

CREATE OR REPLACE VIEW kpi.trend_v1 AS
SELECT site_id, name, sampled_at AS at_us, to_timestamp(sampled_at / 1e6) AS at, value
FROM kpi_sample;
COMMENT ON VIEW kpi.trend_v1 IS
'Values of KPIs that have no history of their own, sampled by the worker every five minutes.';
