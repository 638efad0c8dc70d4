# The erase step. Sets METHOD to what really was done to each disk.

ERASE_CHUNK_BYTES=1073741824

# zero_disk NAME: every sector written with zeroes, by the disk itself where it can (BLKZEROOUT), with progress.
zero_disk() {
	local bytes at=0 chunk
	bytes=$(disk_bytes "$1")
	while [ "$at" -lt "$bytes" ]; do
		chunk=$((bytes - at))
		if [ "$chunk" -gt "$ERASE_CHUNK_BYTES" ]; then chunk=$ERASE_CHUNK_BYTES; fi
		/usr/sbin/blkdiscard -f -z -o "$at" -l "$chunk" "/dev/$1" 2>/dev/null || return 1
		at=$((at + chunk))
		echo "$at $bytes" >"$PROGRESS"
	done
	METHOD=zeroed
}

# format_nvme NAME: the controller erases the user data of the namespace (NVMe base 2.0, Format NVM, SES 1).
format_nvme() {
	case $1 in nvme*) ;; *) return 1 ;; esac
	/usr/sbin/nvme format "/dev/$1" --ses=1 --force >/dev/null 2>&1 && METHOD=nvme-format
}

# can_erase_ata NAME: whether the disk has the security feature set, not frozen and not locked (ACS-3 4.18).
can_erase_ata() {
	local facts
	facts=$(/usr/sbin/hdparm -I "/dev/$1" 2>/dev/null | sed -n '/^Security:/,$p')
	echo "$facts" | grep -q '^[[:space:]]*supported$' &&
		echo "$facts" | grep -q '^[[:space:]]*not[[:space:]]*frozen' && echo "$facts" | grep -q '^[[:space:]]*not[[:space:]]*locked'
}

# erase_ata NAME: SECURITY ERASE UNIT under a passing password, which the erase itself removes.
erase_ata() {
	case $(transport_of "$(readlink -f "/sys/block/$1")") in sata) ;; *) return 1 ;; esac
	can_erase_ata "$1" || return 1
	/usr/sbin/hdparm --user-master u --security-set-pass ironbus "/dev/$1" >/dev/null 2>&1 || return 1
	if /usr/sbin/hdparm --user-master u --security-erase ironbus "/dev/$1" >/dev/null 2>&1; then
		METHOD=ata-security-erase
		return 0
	fi
	/usr/sbin/hdparm --user-master u --security-disable ironbus "/dev/$1" >/dev/null 2>&1
	return 1
}

# erase_quick NAME: signatures, partition tables, and the first and last 16 MiB.
erase_quick() {
	wipe_signatures "$1" && zero_edges "$1" 16 && METHOD=wiped
}

# erase_secure NAME: by the drive's own command, else every sector overwritten; the edges are zeroed whatever the drive says.
erase_secure() {
	{ format_nvme "$1" || erase_ata "$1" || zero_disk "$1"; } && zero_edges "$1" 16
}

# erase_disk NAME MODE
erase_disk() {
	case $2 in
	none) METHOD=none ;;
	quick) erase_quick "$1" ;;
	secure) erase_secure "$1" ;;
	*) return 1 ;;
	esac
}

# step_erase: all disks are found before the first is touched.
step_erase() {
	local mode count index=0
	mode=$(/usr/bin/jq -r .parameters.mode "$RUN/claim")
	count=$(/usr/bin/jq '.parameters.disks | length' "$RUN/claim")
	: >"$RUN/erased"
	while [ "$index" -lt "$count" ]; do
		find_disk ".parameters.disks[$index]" || return 1
		index=$((index + 1))
	done
	index=0
	while [ "$index" -lt "$count" ]; do
		find_disk ".parameters.disks[$index]" || return 1
		say "$STEP: $mode $DISK"
		if ! erase_disk "$DISK_NAME" "$mode"; then fail erase-unsupported "$DISK could not be erased ($mode)"; return 1; fi
		settle_disk "$DISK_NAME"
		reread "$DISK_NAME"
		row "$DISK" "$(disk_serial "$DISK_NAME")" "$METHOD" >>"$RUN/erased"
		index=$((index + 1))
	done
	/usr/bin/jq -c -n --rawfile rows "$RUN/erased" '{ disks: ($rows | split("\n") | map(select(. != "") | split("\t")
		| { path: .[0], serial: (if .[1] == "" then null else .[1] end), method: .[2] })) }' >"$EVIDENCE"
}
