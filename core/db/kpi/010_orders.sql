-- Orders: what came, where it stands, what is late, how long it took.
CREATE OR REPLACE VIEW kpi.sites_v1 AS
SELECT site_id, name, timezone FROM site;
COMMENT ON VIEW kpi.sites_v1 IS 'Sites: what boards choose from.';

CREATE OR REPLACE VIEW kpi.orders_v1 AS
SELECT f.site_id, f.received_at AS at_us, to_timestamp(f.received_at / 1e6) AS at,
  o.order_number, o.external_order_id, f.owner_id, f.state, f.priority, f.on_hold, f.exception,
  1 AS numerator
FROM fulfilment f LEFT JOIN customer_order o ON o.order_id = f.order_id;
COMMENT ON VIEW kpi.orders_v1 IS
'Orders that came in, each at its intake. Unit: orders. Numerator: 1 for each order.';

CREATE OR REPLACE VIEW kpi.order_flow_v1 AS
SELECT site_id, received_at AS at_us, to_timestamp(received_at / 1e6) AS at, 'received' AS step,
  1 AS numerator
FROM fulfilment
UNION ALL
SELECT site_id, shipped_at, to_timestamp(shipped_at / 1e6), 'shipped', 1
FROM fulfilment WHERE shipped_at IS NOT NULL;
COMMENT ON VIEW kpi.order_flow_v1 IS
'Orders received and shipped, one row for each at its time. Unit: orders.';

CREATE OR REPLACE VIEW kpi.open_orders_v1 AS
SELECT site_id, state, count(*) AS value, min(to_timestamp(received_at / 1e6)) AS oldest_at,
  now() AS as_of
FROM fulfilment
WHERE state IN ('received', 'promised', 'partially_promised', 'backordered', 'released', 'picking',
  'picked', 'packed', 'staged', 'partially_shipped')
GROUP BY site_id, state;
COMMENT ON VIEW kpi.open_orders_v1 IS
'Orders not yet shipped or cancelled, by state. Unit: orders. Excludes: shipped, cancelled.';

CREATE OR REPLACE VIEW kpi.orders_at_risk_v1 AS
WITH pace AS (
  SELECT site_id, percentile_cont(0.5) WITHIN GROUP (ORDER BY shipped_at - received_at) AS cycle_us
  FROM fulfilment
  WHERE shipped_at >= ((extract(epoch FROM now()) - 86400) * 1e6)::bigint
  GROUP BY site_id
), forecast AS (
  SELECT f.site_id, f.order_id, f.owner_id, f.state, f.ship_by,
    greatest(extract(epoch FROM now()) * 1e6, f.received_at + p.cycle_us) AS finish_us
  FROM fulfilment f LEFT JOIN pace p USING (site_id)
  WHERE f.ship_by IS NOT NULL
    AND f.state IN ('received', 'promised', 'partially_promised', 'backordered', 'released',
      'picking', 'picked', 'packed', 'staged', 'partially_shipped')
)
SELECT c.site_id, o.order_number, o.external_order_id, c.owner_id, c.state,
  to_timestamp(c.ship_by / 1e6) AS ship_by, to_timestamp(c.finish_us / 1e6) AS forecast_at,
  round(((c.ship_by - c.finish_us) / 60e6)::numeric, 1) AS left_min,
  CASE WHEN c.ship_by - c.finish_us < 30 * 60e6 THEN 1 ELSE 0 END AS value, now() AS as_of
FROM forecast c JOIN customer_order o ON o.order_id = c.order_id;
COMMENT ON VIEW kpi.orders_at_risk_v1 IS
'Open orders that will be ready less than 30 minutes before their ship_by. Unit: orders. The
forecast is intake plus the median order cycle of the last 24 hours, never earlier than now.
Excludes: orders without ship_by.';

CREATE OR REPLACE VIEW kpi.order_cycle_v1 AS
SELECT site_id, shipped_at AS at_us, to_timestamp(shipped_at / 1e6) AS at, owner_id, priority,
  (shipped_at - received_at) / 60e6 AS value
FROM fulfilment WHERE shipped_at IS NOT NULL;
COMMENT ON VIEW kpi.order_cycle_v1 IS
'Shipped minus accepted, one row for each shipped order. Unit: min. Excludes: open orders.';

CREATE OR REPLACE VIEW kpi.on_time_shipment_v1 AS
SELECT site_id, shipped_at AS at_us, to_timestamp(shipped_at / 1e6) AS at, owner_id,
  CASE WHEN shipped_at <= ship_by THEN 1 ELSE 0 END AS numerator, 1 AS denominator
FROM fulfilment WHERE shipped_at IS NOT NULL AND ship_by IS NOT NULL;
COMMENT ON VIEW kpi.on_time_shipment_v1 IS
'Orders shipped by their ship_by over orders shipped. Unit: %. Excludes: orders without ship_by.';

CREATE OR REPLACE VIEW kpi.backorder_rate_v1 AS
SELECT f.site_id, l.sku, f.owner_id,
  count(*) FILTER (
    WHERE l.ordered - l.cancelled - l.promised - l.reserved - l.picked > 0) AS numerator,
  count(*) AS denominator, now() AS as_of
FROM fulfilment f JOIN fulfilment_line l USING (site_id, fulfilment_id)
WHERE f.state IN ('received', 'promised', 'partially_promised', 'backordered', 'released',
  'picking', 'picked', 'packed', 'staged', 'partially_shipped')
  AND l.ordered - l.cancelled - l.shipped > 0
GROUP BY f.site_id, l.sku, f.owner_id;
COMMENT ON VIEW kpi.backorder_rate_v1 IS
'Lines waiting for stock over open lines, by item. Unit: %. Excludes: lines shipped in full or
cancelled.';
