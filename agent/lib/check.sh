# The test step: memory, the disks' reading, the network; each for the seconds the plan gives it.

TEST_DIR=/mnt/test

now_seconds() {
	read -r UPTIME _ </proc/uptime
	echo "${UPTIME%.*}"
}

# fill_memory BLOCK: copies a block of random bytes until 70 % of the available memory is full; prints the number of copies.
fill_memory() {
	local count=0 wanted
	wanted=$(awk '/^MemAvailable:/ { printf "%d", $2 * 0.7 / 16384 }' /proc/meminfo)
	while [ "$count" -lt "$wanted" ]; do
		cp "$1" "$TEST_DIR/$count" 2>/dev/null || break
		count=$((count + 1))
	done
	echo "$count"
}

# verify_memory COUNT HASH END: reads all copies, at least once and then until the time is over; sets PASSES; 1 on a changed bit.
verify_memory() {
	local index
	PASSES=0
	while [ "$PASSES" -eq 0 ] || [ "$(now_seconds)" -lt "$3" ]; do
		index=0
		while [ "$index" -lt "$1" ]; do
			if [ "$(sha256sum "$TEST_DIR/$index" | cut -d ' ' -f 1)" != "$2" ]; then return 1; fi
			index=$((index + 1))
			echo "$index $1" >"$PROGRESS"
		done
		PASSES=$((PASSES + 1))
	done
}

# test_memory SECONDS: 16 MiB of random bytes all over the memory, compared by hash.
test_memory() {
	local end count hash intact=0
	end=$(($(now_seconds) + $1))
	mkdir -p "$TEST_DIR"
	mount -t tmpfs -o size=90% tmpfs "$TEST_DIR" || { fail tool-error "no room for the memory test"; return 1; }
	/usr/bin/dd if=/dev/urandom of="$TEST_DIR/block" bs=1M count=16 2>/dev/null
	hash=$(sha256sum "$TEST_DIR/block" | cut -d ' ' -f 1)
	count=$(fill_memory "$TEST_DIR/block")
	verify_memory "$count" "$hash" "$end" || intact=1
	umount "$TEST_DIR"
	/usr/bin/jq -c -n --argjson bytes $((count * 16777216)) --argjson passes "$PASSES" '{ bytes: $bytes, passes: $passes }' >"$EVIDENCE"
	if [ "$intact" -ne 0 ]; then fail test-failed "memory gave back other bytes than were written"; fi
}

# read_disk_for NAME SECONDS: reads from the start; prints a row of the path, the bytes and the seconds; 1 on a read error.
read_disk_for() {
	local from ended
	from=$(now_seconds)
	timeout -s INT "$2" /usr/bin/dd if="/dev/$1" of=/dev/null bs=1M 2>"$RUN/read"
	ended=$?
	row "/dev/$1" "$(sed -n 's/^\([0-9]*\) bytes.*/\1/p' "$RUN/read")" $(($(now_seconds) - from))
	[ "$ended" -eq 0 ] || [ "$ended" -eq 130 ]
}

# test_disk_read SECONDS: every disk, sharing the time.
test_disk_read() {
	local names count name failed=
	wait_for_devices
	names=$(physical_disks)
	count=$(echo "$names" | wc -w)
	: >"$RUN/reads"
	for name in $names; do
		read_disk_for "$name" $((($1 + count - 1) / count)) >>"$RUN/reads" || failed="$failed /dev/$name"
	done
	/usr/bin/jq -c -n --rawfile rows "$RUN/reads" '{ disks: ($rows | split("\n") | map(select(. != "") | split("\t")
		| { path: .[0], bytes: ((.[1] | tonumber?) // 0), seconds: (.[2] | tonumber) })) }' >"$EVIDENCE"
	if [ -n "$failed" ]; then fail test-failed "read errors on$failed"; fi
}

# interface_errors: the sum of the interface's error counters.
interface_errors() {
	local name sum=0
	for name in rx_errors tx_errors rx_crc_errors rx_missed_errors tx_carrier_errors; do
		sum=$((sum + $(cat "/sys/class/net/$IFACE/statistics/$name")))
	done
	echo $sum
}

# test_network SECONDS: the link stays, no error is counted, and the rack answers.
test_network() {
	local before after changes asked=0 end
	end=$(($(now_seconds) + $1))
	before=$(interface_errors)
	changes=$(cat "/sys/class/net/$IFACE/carrier_changes")
	while [ "$asked" -eq 0 ] || [ "$(now_seconds)" -lt "$end" ]; do
		http GET "$RACK_URL/" || { fail test-failed "the rack did not answer request $asked"; return 1; }
		asked=$((asked + 1))
		sleep 1
	done
	after=$(interface_errors)
	changes=$(($(cat "/sys/class/net/$IFACE/carrier_changes") - changes))
	/usr/bin/jq -c -n --arg name "$IFACE" --argjson asked "$asked" --argjson errors $((after - before)) --argjson changes "$changes" \
		'{ interface: $name, requests: $asked, errors: $errors, carrierChanges: $changes }' >"$EVIDENCE"
	if [ "$changes" -ne 0 ] || [ "$after" -ne "$before" ]; then fail test-failed "$IFACE: $changes link changes, $((after - before)) errors"; fi
}

step_test() {
	local name seconds
	name=$(/usr/bin/jq -r .parameters.name "$RUN/claim")
	seconds=$(/usr/bin/jq -r '.parameters.seconds // 30 | floor' "$RUN/claim")
	case $name in
	memory) test_memory "$seconds" ;;
	disk-read) test_disk_read "$seconds" ;;
	network) test_network "$seconds" ;;
	*) fail step-unknown "this agent has no test '$name'" ;;
	esac
}
