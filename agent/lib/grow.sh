# The grow step: the backup GPT to the disk's end, the last partition and its ext4 to the whole disk.

# is_last_partition NAME PART
is_last_partition() {
	[ "$(partitions_of "$1" | tail -n 1)" = "$2" ]
}

# grow_partition NAME PART: `,+` keeps the start; writing the table puts the backup GPT where it belongs.
grow_partition() {
	echo ',+' | /usr/sbin/sfdisk -q --force --no-reread --no-tell-kernel -N "$(partition_number "$2")" "/dev/$1" >"$RUN/sfdisk" 2>&1 && reread "$1"
}

# check_ext4 PART: repairs what is safe to repair; 1 and 2 of e2fsck mean repaired (e2fsck(8)).
check_ext4() {
	/usr/sbin/e2fsck -f -p "/dev/$1" >"$RUN/e2fsck" 2>&1
	[ $? -le 2 ]
}

# grow_ext4 NAME PART; fails with a reason.
grow_ext4() {
	if ! grow_partition "$1" "$2"; then
		fail tool-error "sfdisk: $(tail -n 1 "$RUN/sfdisk")"
	elif ! check_ext4 "$2"; then
		fail tool-error "e2fsck: $(tail -n 1 "$RUN/e2fsck")"
	elif ! /usr/sbin/resize2fs "/dev/$2" >"$RUN/resize2fs" 2>&1; then
		fail tool-error "resize2fs: $(tail -n 1 "$RUN/resize2fs")"
	fi
}

# step_grow: anything but ext4 on the last partition is left to cloud-init's growpart, and the evidence says so.
step_grow() {
	local grown=false
	find_disk .parameters.disk || return 1
	reread "$DISK_NAME"
	if ! find_root "$DISK_NAME"; then fail no-root-filesystem "no root file system on $DISK"; return 1; fi
	umount "$ROOT_DIR"
	if [ "$ROOT_FS" = ext4 ] && [ "$ROOT_PART" != "$DISK_NAME" ] && is_last_partition "$DISK_NAME" "$ROOT_PART"; then
		grow_ext4 "$DISK_NAME" "$ROOT_PART" || return 1
		grown=true
	fi
	settle_disk "$DISK_NAME"
	/usr/bin/jq -c -n --arg part "/dev/$ROOT_PART" --arg fs "$ROOT_FS" --argjson size "$(($(cat "/sys/class/block/$ROOT_PART/size") * 512))" \
		--argjson grown "$grown" '{ rootPartition: $part, filesystem: $fs, sizeBytes: $size, grown: $grown }' >"$EVIDENCE"
}
