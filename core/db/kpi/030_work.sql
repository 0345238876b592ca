-- Work on the floor: putaway, picking, what waits for a person.
CREATE OR REPLACE VIEW kpi.dock_to_stock_v1 AS
SELECT t.site_id, t.done_at AS at_us, to_timestamp(t.done_at / 1e6) AS at, t.owner_id,
  (t.done_at - coalesce((SELECT min(a.arrived_at) FROM asn_unit u JOIN asn a USING (site_id, asn_id)
    WHERE u.site_id = t.site_id AND u.handling_unit_id = t.handling_unit_id), t.created_at))
    / 3600e6 AS value
FROM task t WHERE t.kind = 'putaway' AND t.state = 'done' AND t.done_at IS NOT NULL;
COMMENT ON VIEW kpi.dock_to_stock_v1 IS
'Putaway confirmed minus arrival at the dock, one row for each putaway. Unit: h. Goods without an
announced handling unit count from their receipt.';

CREATE OR REPLACE VIEW kpi.lines_per_hour_v1 AS
SELECT site_id, (done_at / 900000000) * 900000000 AS at_us,
  to_timestamp((done_at / 900000000) * 900) AS at, count(*) AS numerator,
  count(DISTINCT assigned_to) / 4.0 AS denominator
FROM pick_task WHERE state IN ('picked', 'short') AND picked > 0 AND done_at IS NOT NULL
GROUP BY site_id, done_at / 900000000;
COMMENT ON VIEW kpi.lines_per_hour_v1 IS
'Lines picked over direct hours. Unit: lines/h. Direct time is counted in quarter hours in which a
picker confirmed at least one line.';

CREATE OR REPLACE VIEW kpi.short_picks_v1 AS
SELECT t.site_id, t.done_at AS at_us, to_timestamp(t.done_at / 1e6) AS at, l.zone, l.code,
  CASE WHEN t.state = 'short' THEN 1 ELSE 0 END AS numerator, 1 AS denominator
FROM pick_task t JOIN location l USING (site_id, location_id)
WHERE t.state IN ('picked', 'short') AND t.done_at IS NOT NULL;
COMMENT ON VIEW kpi.short_picks_v1 IS
'Picks that found less than the book said over picks done. Unit: %. Excludes: cancelled picks.';

CREATE OR REPLACE VIEW kpi.pick_face_stockouts_v1 AS
SELECT f.site_id, l.code AS location, i.sku, i.owner_id, r.reserve, 1 AS value, now() AS as_of
FROM pick_face f
JOIN location l USING (site_id, location_id)
JOIN item i ON i.item_id = f.item_id
CROSS JOIN LATERAL (
  SELECT coalesce(sum(q.on_hand - q.reserved), 0) AS reserve FROM quant q
  JOIN location s ON s.site_id = q.site_id AND s.location_id = q.location_id AND s.kind = 'storage'
  WHERE q.site_id = f.site_id AND q.item_id = f.item_id AND q.status = 'available'
) r
WHERE r.reserve > 0 AND NOT EXISTS (SELECT FROM quant q WHERE q.site_id = f.site_id
  AND q.location_id = f.location_id AND q.item_id = f.item_id AND q.on_hand > 0);
COMMENT ON VIEW kpi.pick_face_stockouts_v1 IS
'Pick faces that are empty while storage holds free stock of their item. Unit: faces.';

CREATE OR REPLACE VIEW kpi.exceptions_open_v1 AS
SELECT site_id, kind, severity, subject, message, portal, owner_id,
  to_timestamp(opened_at / 1e6) AS opened_at,
  round((extract(epoch FROM now()) - opened_at / 1e6)::numeric / 60, 1) AS age_min,
  acknowledged_by, 1 AS value, now() AS as_of
FROM exception WHERE resolved_at IS NULL;
COMMENT ON VIEW kpi.exceptions_open_v1 IS
'Exceptions that nobody has settled yet, with their age. Unit: exceptions.';

CREATE OR REPLACE VIEW kpi.work_waiting_v1 AS
SELECT site_id, kind, count(*) AS value,
  round((extract(epoch FROM now()) - min(created_at) / 1e6)::numeric, 0) AS oldest_s,
  now() AS as_of
FROM (
  SELECT site_id, 'pick' AS kind, created_at FROM pick_task WHERE state IN ('open', 'assigned')
  UNION ALL
  SELECT site_id, kind, created_at FROM task WHERE state IN ('open', 'assigned')
) w GROUP BY site_id, kind;
COMMENT ON VIEW kpi.work_waiting_v1 IS
'Tasks not yet done, by kind, with the age of the oldest. Unit: tasks.';
