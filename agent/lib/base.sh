# Words every part uses: the console, the kernel command line, failing a step, back-off.

TRANSCRIPT=$RUN/transcript
# The console named last is /dev/console; a screen beside it gets the same lines.
screen=
case $(cat /sys/class/tty/console/active 2>/dev/null) in
*tty0) ;;
*) if [ -c /dev/tty0 ]; then screen=/dev/tty0; fi ;;
esac

# uptime_seconds: sets UPTIME, in seconds with two digits.
uptime_seconds() {
	read -r UPTIME _ </proc/uptime
}

# say TEXT...: one progress line on the consoles and in the transcript.
say() {
	uptime_seconds
	printf 'ironbus agent: [%7s] %s\n' "$UPTIME" "$*" | tee -a "$TRANSCRIPT" ${screen:+"$screen"}
}

# fail REASON MESSAGE: says why a step failed, in the protocol's word and in a person's; always returns 1.
fail() {
	REASON=$1
	MESSAGE=$2
	return 1
}

# next_backoff SECONDS: the wait after this one: 1, 2, 4, 8, then 15.
next_backoff() {
	if [ "$1" -ge 8 ]; then echo 15; else echo $(($1 * 2)); fi
}

# wait_until TENTHS COMMAND...: polls ten times a second; 1 when the time is over.
wait_until() {
	local tenths=$1
	shift
	while ! "$@"; do
		tenths=$((tenths - 1))
		if [ "$tenths" -le 0 ]; then return 1; fi
		usleep 100000
	done
}

# argument NAME: the value of a kernel argument, the last one given; empty when there is none.
argument() {
	local word found=
	for word in $(cat /proc/cmdline); do
		case $word in "$1="*) found=${word#*=} ;; esac
	done
	printf '%s' "$found"
}

# read_command_line: sets RACK_URL, TOKEN and BOOT_MAC (aa:bb:..., empty when the loader did not say).
read_command_line() {
	RACK_URL=$(argument ironbus.url)
	TOKEN=$(argument ironbus.token)
	BOOT_MAC=$(argument BOOTIF | sed 's/^..-//' | tr 'A-F-' 'a-f:')
	if [ -n "$RACK_URL" ] && [ -n "$TOKEN" ]; then return 0; fi
	say "the kernel arguments ironbus.url and ironbus.token are missing: nothing to do here"
	return 1
}
