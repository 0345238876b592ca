#!/bin/sh
# The server wants its TLS key in a file of its own with mode 0600; a mounted secret may have another.
set -eu
umask 077
cp /run/secrets/postgres_key /tmp/server.key
cp /run/secrets/postgres_cert /tmp/server.crt
exec docker-entrypoint.sh postgres \
  -c ssl=on -c ssl_cert_file=/tmp/server.crt -c ssl_key_file=/tmp/server.key \
  -c ssl_min_protocol_version=TLSv1.2 -c password_encryption=scram-sha-256 \
  -c hba_file=/etc/postgresql/pg_hba.conf -c timezone=UTC -c log_timezone=UTC
