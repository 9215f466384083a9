#!/bin/sh
# Starts Mosquitto once the product has written who may connect, and tells it when that changed.
set -u
credentials=${CREDENTIALS:-/credentials}
config=${CONFIG:-/mosquitto/config/mosquitto.conf}
until [ -s "$credentials/passwords" ] && [ -s "$credentials/acl" ]; do sleep 1; done

state() { stat -c '%Y %s %i' "$credentials/passwords" "$credentials/acl" 2>/dev/null; }

known=$(state)
mosquitto -c "$config" &
broker=$!
trap 'kill -TERM "$broker"' TERM INT
while kill -0 "$broker" 2>/dev/null; do
  sleep 1 &
  wait $!
  now=$(state)
  if [ "$now" != "$known" ]; then
    known=$now
    kill -HUP "$broker"
  fi
done
wait "$broker"
