#!/bin/sh
# Mosquitto wants hashed passwords; the secret holds `user:password` lines, hashed into memory here.
set -eu
umask 077
cp /run/secrets/mqtt_passwords /tmp/passwords
chmod 600 /tmp/passwords
mosquitto_passwd -U /tmp/passwords
exec mosquitto -c /mosquitto/config/mosquitto.conf
