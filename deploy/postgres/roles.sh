#!/bin/sh
# First start only: three roles (owner, application, reader of schema kpi) and the database.
set -eu
word() { cat "/run/secrets/database_$1"; }
export PGPASSWORD
PGPASSWORD="$(cat "$POSTGRES_PASSWORD_FILE")"
psql -v ON_ERROR_STOP=1 -v owner="$(word owner)" -v app="$(word app)" -v kpi="$(word kpi)" \
  -U "$POSTGRES_USER" -d postgres <<'SQL'
CREATE ROLE dockledger_owner LOGIN PASSWORD :'owner';
CREATE ROLE dockledger_app LOGIN PASSWORD :'app';
CREATE ROLE dockledger_kpi LOGIN PASSWORD :'kpi';
CREATE DATABASE dockledger OWNER dockledger_owner TEMPLATE template0 ENCODING 'UTF8';
REVOKE ALL ON DATABASE dockledger FROM PUBLIC;
GRANT CONNECT ON DATABASE dockledger TO dockledger_app, dockledger_kpi;
ALTER ROLE dockledger_kpi IN DATABASE dockledger SET search_path = kpi;
\connect dockledger
ALTER SCHEMA public OWNER TO dockledger_owner;
SQL
