#!/bin/sh
# entrypoint.sh SERVICE: takes the service's own secrets as root, gives root up for good, and becomes the service.
# What is left: user ironbus, no group but its own, the capabilities named below and no others, no way to gain any.
set -eu
service=$1
secrets=/run/ironbus/secrets
user=10001

case $service in
  dhcp) capabilities=+net_bind_service,+net_raw ;;
  tftp) capabilities=+net_bind_service ;;
  *) capabilities= ;;
esac
case $service in
  rack-join) program="apps/cli/src/main.ts rack join --region $REGION_URL --rack $RACK_ID --dir $RACK_DIR --wait 60s" ;;
  *) program=services/$service/src/main.mjs ;;
esac

if [ -e "$secrets/$service.env" ]; then
  . "$secrets/$service.env"
  [ -z "${REDIS_USER:-}" ] || export REDIS_URL="redis://$REDIS_USER@$REDIS_ADDRESS/0"
fi
creds=/dev/null
if [ -e "$secrets/$service.creds" ]; then
  creds=$secrets/$service.creds
  export NATS_CREDS_FILE=/tmp/nats.creds
fi

flags=$IRONBUS_NODE_FLAGS
[ "$service" != dhcp ] || flags=$IRONBUS_NODE_FLAGS_DHCP

sets="-all${capabilities:+,$capabilities}"
exec setpriv --reuid="$user" --regid="$user" --clear-groups --no-new-privs \
  --bounding-set="$sets" --inh-caps="$sets" --ambient-caps="$sets" \
  sh -c 'umask 077; cat >/tmp/nats.creds; exec "$@" </dev/null' sh \
  tini -- node $flags $program <"$creds"
