#!/bin/bash
# healthcheck.sh PORT: succeeds when /readyz on this loopback port answers 200. Bash alone: it runs every few seconds.
exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
printf 'GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n' >&3
read -r -t 3 _ status _ <&3
[ "$status" = 200 ] && exit 0
cat <&3 | tail -n 1
exit 1
