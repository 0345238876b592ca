#!/bin/sh
# Mosquitto wants hashed passwords; plain `user:password` lines of the secret are hashed in memory.
# Lines of `dockledger device add` are hashed already and must not be hashed again.
set -eu
umask 077
grep -v '^[^:]*:\$7\$' /run/secrets/mqtt_passwords >/tmp/passwords || true
chmod 600 /tmp/passwords
mosquitto_passwd -U /tmp/passwords
grep '^[^:]*:\$7\$' /run/secrets/mqtt_passwords >>/tmp/passwords || true
exec mosquitto -c /mosquitto/config/mosquitto.conf
