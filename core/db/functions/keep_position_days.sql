-- Day partitions of position_change: made ahead, dropped when too old; how many were changed.
-- Runs as the owner of the tables, since the application may not change the schema.
CREATE OR REPLACE FUNCTION keep_position_days(now_us bigint, ahead integer, kept integer)
RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  day_us CONSTANT bigint := 86400000000;
  today CONSTANT bigint := now_us / day_us;
  changed integer := 0;
  found record;
  part text;
  low bigint;
BEGIN
  IF kept < 1 OR ahead NOT BETWEEN 0 AND 31 THEN
    RAISE EXCEPTION 'kept is at least 1 day, ahead 0 to 31';
  END IF;
  PERFORM pg_advisory_xact_lock(7301002);
  FOR part, low IN
    SELECT 'position_change_d' || d, d * day_us FROM generate_series(today, today + ahead) AS d
    WHERE to_regclass('position_change_d' || d) IS NULL
  LOOP
    EXECUTE format('CREATE TABLE %I (LIKE position_change INCLUDING DEFAULTS INCLUDING CONSTRAINTS'
      ' INCLUDING INDEXES)', part);
    -- What came before its partition was there lies in the default one.
    LOCK TABLE position_change_default IN ACCESS EXCLUSIVE MODE;
    EXECUTE format('WITH early AS (DELETE FROM position_change_default'
      ' WHERE since >= %s AND since < %s RETURNING *) INSERT INTO %I SELECT * FROM early',
      low, low + day_us, part);
    EXECUTE format('ALTER TABLE position_change ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
      part, low, low + day_us);
    changed := changed + 1;
  END LOOP;
  FOR found IN
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'position_change'::regclass AND c.relname ~ '^position_change_d[0-9]+$'
      AND substr(c.relname, 18)::bigint < today - kept
  LOOP
    EXECUTE format('DROP TABLE %I', found.relname);
    changed := changed + 1;
  END LOOP;
  DELETE FROM position_change_default WHERE since < (today - kept) * day_us;
  RETURN changed;
END $$;
REVOKE EXECUTE ON FUNCTION keep_position_days(bigint, integer, integer) FROM PUBLIC;
