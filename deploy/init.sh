#!/bin/sh
# Makes what compose needs and the repository must not hold: .env, secrets/ and data/.
# Run it once, as the user the containers shall run as; nothing that exists is overwritten.
# Usage: deploy/init.sh [SITE [AGENT...]]
set -eu
umask 077
cd "${DOCKLEDGER_DEPLOY_DIR:-$(dirname "$0")/..}"
site="${1:-demo}"
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- dock-1 dock-2 floor-1
for name in "$site" "$@"; do
  case "$name" in
    "" | [!a-z0-9]* | *[!a-z0-9_-]*)
      echo "init: names are a-z 0-9 - _, first a letter or digit" >&2
      exit 2
      ;;
  esac
done
command -v openssl >/dev/null || { echo "init: openssl is needed" >&2; exit 2; }

mkdir -p secrets/generated data/postgres data/influxdb data/grafana data/mosquitto data/state
word() { openssl rand -base64 33 | tr -d '/+=\n'; }
once() { [ -s "secrets/$1" ] || word >"secrets/$1"; }
for name in postgres database_owner database_app database_kpi influx_password influx_admin \
  influx_grafana grafana_admin; do once "$name"; done
for user in gateway worker "$@"; do once "mqtt_$user"; done

url() {
  [ -s "secrets/$1_url" ] || printf 'postgresql://dockledger_%s:%s@postgres:5432/dockledger\n' \
    "$2" "$(cat "secrets/database_$2")" >"secrets/$1_url"
}
url owner owner
url app app

: >secrets/mqtt_passwords
for user in gateway worker "$@"; do
  printf '%s:%s\n' "$user" "$(cat "secrets/mqtt_$user")" >>secrets/mqtt_passwords
done
{
  for agent in "$@"; do
    printf 'user %s\n' "$agent"
    for kind in reads scans sensors status; do
      printf 'topic write wh/v1/%s/agents/%s/%s\n' "$site" "$agent" "$kind"
    done
    for kind in cursor command; do
      printf 'topic read wh/v1/%s/agents/%s/%s\n' "$site" "$agent" "$kind"
    done
    printf '\n'
  done
  printf 'user gateway\n'
  for kind in cursor command; do printf 'topic write wh/v1/%s/agents/+/%s\n' "$site" "$kind"; done
  for kind in reads scans sensors status; do
    printf 'topic read wh/v1/%s/agents/+/%s\n' "$site" "$kind"
  done
  printf '\nuser worker\ntopic write wh/v1/%s/positions/+\n' "$site"
} >secrets/mqtt_acl

if [ ! -s secrets/ca ]; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 \
    -subj "/CN=Dockledger $site" -keyout secrets/ca_key -out secrets/ca 2>/dev/null
fi
for host in mosquitto postgres; do
  [ -s "secrets/${host}_cert" ] && continue
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$host" \
    -keyout "secrets/${host}_key" -out "secrets/${host}_csr" 2>/dev/null
  printf 'subjectAltName=DNS:%s\nextendedKeyUsage=serverAuth\n' "$host" >secrets/ext
  openssl x509 -req -in "secrets/${host}_csr" -CA secrets/ca -CAkey secrets/ca_key \
    -CAcreateserial -days 3650 -extfile secrets/ext -out "secrets/${host}_cert" 2>/dev/null
  rm -f "secrets/${host}_csr" secrets/ext
done

uid="$(id -u)" gid="$(id -g)"
if [ "$uid" = 0 ]; then
  uid=10001 gid=10001
  chown -R "$uid:$gid" secrets data
fi
if [ ! -e .env ]; then
  printf 'DOCKLEDGER_SITE=%s\nDOCKLEDGER_UID=%s\nDOCKLEDGER_GID=%s\n' "$site" "$uid" "$gid" >.env
fi
echo "ready: docker compose up -d"
