#!/bin/sh
# First start only: InfluxQL reaches the bucket as database `dockledger`; the writer may only write,
# Grafana may only read.
set -eu
umask 077
bucket="$DOCKER_INFLUXDB_INIT_BUCKET_ID"
influx v1 dbrp create --db dockledger --rp autogen --default --bucket-id "$bucket"
influx v1 auth create --username grafana --password "$(cat /run/secrets/influx_grafana)" \
  --read-bucket "$bucket" >/dev/null
influx auth create --description writer --write-bucket "$bucket" --json |
  sed -n 's/.*"token": *"\([^"]*\)".*/\1/p' >/run/generated/influx_writer
[ -s /run/generated/influx_writer ]
