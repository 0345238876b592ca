-- Ledger drift: rows where the last `dockledger verify` of each site disagreed (count), and its age.
CREATE OR REPLACE VIEW kpi.ledger_drift_v1 AS
SELECT DISTINCT ON (site_id) site_id, drift, to_timestamp(finished_at / 1e6) AS as_of
FROM verify_run ORDER BY site_id, finished_at DESC;
COMMENT ON VIEW kpi.ledger_drift_v1 IS
'Rows where the last dockledger verify disagreed with first principles. Unit: count. Good: 0.';
