#!/bin/sh
# The power button, the reset button and the boot selector of one virtual machine.
#
#   power.sh DIR on|off|lose|cycle|reset|soft|status|boot [none|network|disk]|screenshot FILE|key NAME
#   power.sh DIR chassis get|set|check PARAMETER [VALUE] ...     how ipmi_sim calls it (ipmi_lan(5), chassis_control)
#
# All state is files in DIR, so it works for anyone at any time: start-network and start-disk run QEMU in the
# foreground, qemu.pid is a record as in state.ts, `boot` holds a one-shot boot device.
set -u
cd "$1" || exit 1
shift

start_ticks() { # of a living pid; the name in brackets may hold blanks; a zombie (a slow init) is gone
  [ -r "/proc/$1/stat" ] && sed -n 's/^.*) //; /^Z/!p' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20
}

is_on() {
  [ -f qemu.pid ] || return 1
  read -r pid ticks boot_id < qemu.pid || return 1
  [ "$boot_id" = "$(cat /proc/sys/kernel/random/boot_id)" ] && [ "$ticks" = "$(start_ticks "$pid")" ]
}

mark() { printf '\r\n===== %s %s =====\r\n' "$1" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" >> serial.log; }

take_order() { # a boot device chosen once is spent here
  order=network
  [ "$(cat boot 2>/dev/null)" = disk ] && order=disk
  echo none > boot
}

power_on() {
  is_on && return 0
  take_order
  rm -f qmp.sock
  mark "power on, $order first"
  setsid "./start-$order" < /dev/null >> qemu.log 2>&1 9>&- &
  pid=$!
  echo "$pid $(start_ticks $pid) $(cat /proc/sys/kernel/random/boot_id)" > qemu.pid
  tries=0
  while [ ! -S qmp.sock ]; do
    tries=$((tries + 1))
    if ! is_on || [ $tries -gt 200 ]; then tail -n 3 qemu.log >&2; return 1; fi
    sleep 0.02
  done
}

power_off() { # SIGTERM makes QEMU write its disks' metadata and go; the guest sees a cut of power
  is_on || return 0
  kill "$pid"
  tries=0
  while is_on; do
    tries=$((tries + 1))
    [ $tries -eq 250 ] && kill -9 "$pid"
    [ $tries -gt 300 ] && return 1
    sleep 0.02
  done
  mark 'power off'
}

power_lose() { # SIGKILL: what QEMU had not written is gone as well
  is_on || return 0
  kill -9 "$pid"
  tries=0
  while is_on; do
    tries=$((tries + 1))
    [ $tries -gt 300 ] && return 1
    sleep 0.02
  done
  mark 'power lost'
}

qmp() { # one command; QEMU's answer to it on stdout
  is_on || { echo 'the machine is off' >&2; return 1; }
  { printf '{"execute":"qmp_capabilities"}\n%s\n' "$1"; sleep 0.05; } | socat -t2 - UNIX-CONNECT:qmp.sock > qmp.out || return 1
  if grep -q '"error"' qmp.out; then cat qmp.out >&2; return 1; fi
}

reset() { # the boot order belongs to QEMU's command line, so a chosen device needs a new QEMU
  is_on || return 1
  if [ "$(cat boot 2>/dev/null || echo none)" = none ]; then
    mark reset
    qmp '{"execute":"system_reset"}'
  else
    power_off && power_on
  fi
}

set_boot() { # ipmi_sim's word for the default hard disk (IPMI 2.0 table 28-14, code 2) is 'default'
  case $1 in
    pxe | network) echo network > boot ;;
    disk | default) echo disk > boot ;;
    none) echo none > boot ;;
    *) echo "boot device '$1' is not one of this machine" >&2; return 1 ;;
  esac
}

boot_as_ipmi() { case $(cat boot 2>/dev/null) in network) echo pxe ;; disk) echo default ;; *) echo none ;; esac; }

chassis_get() {
  for name in "$@"; do
    case $name in
      power) if is_on; then echo power:1; else echo power:0; fi ;;
      boot) echo "boot:$(boot_as_ipmi)" ;;
      *) echo "no parameter '$name'" >&2; return 1 ;;
    esac
  done
}

chassis_set() {
  while [ $# -ge 2 ]; do
    case $1 in
      power) if [ "$2" = 1 ]; then power_on; else power_off; fi ;;
      reset) reset ;;
      shutdown) qmp '{"execute":"system_powerdown"}' ;;
      boot) set_boot "$2" ;;
      identify) : ;;
      *) echo "no parameter '$1'" >&2; return 1 ;;
    esac || return 1
    shift 2
  done
}

perform() {
  verb=$1
  shift
  case $verb in
    on) power_on ;;
    off) power_off ;;
    lose) power_lose ;;
    cycle) power_off && power_on ;;
    reset) reset ;;
    soft) qmp '{"execute":"system_powerdown"}' ;;
    status) if is_on; then echo on; else echo off; fi ;;
    boot) set_boot "$1" ;;
    screenshot) qmp "{\"execute\":\"screendump\",\"arguments\":{\"filename\":\"$1\",\"format\":\"png\"}}" ;;
    key) qmp "{\"execute\":\"send-key\",\"arguments\":{\"keys\":[{\"type\":\"qcode\",\"data\":\"$1\"}]}}" ;;
    chassis)
      echo "$(date -u +%H:%M:%S) $*" >> chassis.log
      operation=$1
      shift
      case $operation in check) : ;; get) chassis_get "$@" ;; set) chassis_set "$@" ;; *) return 1 ;; esac ;;
    *) echo "no power verb '$verb'" >&2; return 1 ;;
  esac
}

case "$1 ${2-}" in status\ * | 'chassis get' | 'chassis check') perform "$@"; exit ;; esac
exec 9> lock
flock -w 20 9 || { echo 'the machine is busy' >&2; exit 1; }
perform "$@"
