-- Stock and the book: what is where, what runs low, whether the ledger agrees with itself.
CREATE OR REPLACE VIEW kpi.inventory_v1 AS
SELECT q.site_id, l.kind, q.status, q.owner_id, sum(q.on_hand) AS value,
  sum(q.reserved) AS reserved, count(DISTINCT q.location_id) AS places, now() AS as_of
FROM quant q JOIN location l USING (site_id, location_id) WHERE q.on_hand > 0
GROUP BY q.site_id, l.kind, q.status, q.owner_id;
COMMENT ON VIEW kpi.inventory_v1 IS
'Units on hand by kind of place and stock status. Unit: units. Excludes: virtual places.';

CREATE OR REPLACE VIEW kpi.space_utilisation_v1 AS
SELECT l.site_id, coalesce(l.zone, '-') AS zone, coalesce(l.aisle, '-') AS aisle, l.level,
  count(*) FILTER (WHERE EXISTS (SELECT FROM quant q WHERE q.site_id = l.site_id
    AND q.location_id = l.location_id AND q.on_hand > 0)) AS numerator,
  count(*) AS denominator, now() AS as_of
FROM location l WHERE l.kind IN ('storage', 'pick_face') AND NOT l.locked
GROUP BY l.site_id, l.zone, l.aisle, l.level;
COMMENT ON VIEW kpi.space_utilisation_v1 IS
'Occupied over usable bins, by zone, aisle and level. Unit: %. Excludes: locked bins.';

CREATE OR REPLACE VIEW kpi.low_stock_v1 AS
SELECT a.site_id, i.owner_id, i.sku, i.name, a.sellable - a.committed AS available, i.min_stock,
  i.safety_stock, 1 AS value, now() AS as_of
FROM availability a JOIN item i ON i.item_id = a.item_id
WHERE i.active AND i.min_stock IS NOT NULL AND a.sellable - a.committed < i.min_stock;
COMMENT ON VIEW kpi.low_stock_v1 IS
'Items whose available stock is below their reorder point. Unit: items. Excludes: items without
min_stock, inactive items.';

CREATE OR REPLACE VIEW kpi.oversell_v1 AS
SELECT a.site_id, i.owner_id, i.sku, a.sellable, a.committed, 1 AS value, now() AS as_of
FROM availability a JOIN item i ON i.item_id = a.item_id WHERE a.committed > a.sellable;
COMMENT ON VIEW kpi.oversell_v1 IS
'Items promised beyond what the site holds. Unit: items. Good: 0.';

CREATE OR REPLACE VIEW kpi.ledger_drift_v1 AS
SELECT s.site_id, v.drift, now() AS as_of, v.drift AS value,
  to_timestamp(v.finished_at / 1e6) AS checked_at,
  round((extract(epoch FROM now()) - v.finished_at / 1e6)::numeric / 60, 1) AS age_min
FROM site s LEFT JOIN LATERAL (SELECT drift, finished_at FROM verify_run r
  WHERE r.site_id = s.site_id ORDER BY run_id DESC LIMIT 1) v ON true;
COMMENT ON VIEW kpi.ledger_drift_v1 IS
'Rows where the last dockledger verify disagreed with first principles. Unit: rows. Null where no
run was recorded; a run older than 70 minutes is stale.';
