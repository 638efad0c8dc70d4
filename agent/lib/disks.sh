# Disks and partitions: which disk a step means, where a root file system is, and that nothing stays in a cache.

ROOT_DIR=/mnt/root
ESP_DIR=/mnt/esp
ESP_TYPE=c12a7328-f81f-11d2-ba4b-00a0c93ec93b

# read_disk FILTER: the protocol's Disk at a place of the claim, as WANT_SERIAL, WANT_WWN, WANT_PATH, WANT_BYTES.
read_disk() {
	eval "$(/usr/bin/jq -r "$1"' | @sh "WANT_SERIAL=\(.serial // "") WANT_WWN=\(.wwn // "") WANT_PATH=\(.path) WANT_BYTES=\(.sizeBytes)"' "$RUN/claim")"
}

# disks_like WANTED: names of the disks whose world-wide name or serial (by $1: wwn, serial) is the one given.
disks_like() {
	local name
	for name in $(physical_disks); do
		if [ "$("disk_$1" "$name" | sed 's/^ *//;s/ *$//')" = "$2" ]; then echo "$name"; fi
	done
}

# candidates: names of the disks that may be the wanted one: by world-wide name, then by serial, by path only without both.
candidates() {
	local found=
	if [ -z "$WANT_WWN$WANT_SERIAL" ]; then
		if physical_disks | grep -qxF "${WANT_PATH#/dev/}"; then echo "${WANT_PATH#/dev/}"; fi
		return
	fi
	if [ -n "$WANT_WWN" ]; then found=$(disks_like wwn "$WANT_WWN"); fi
	if [ -z "$found" ] && [ -n "$WANT_SERIAL" ]; then found=$(disks_like serial "$WANT_SERIAL"); fi
	if [ -n "$found" ]; then echo "$found"; fi
}

has_candidate() {
	[ -n "$(candidates)" ]
}

# find_disk FILTER: sets DISK_NAME and DISK to the one disk the claim means there; fails with the protocol's reason.
find_disk() {
	read_disk "$1"
	if ! wait_until 300 has_candidate; then
		fail disk-not-found "no disk with wwn '$WANT_WWN' or serial '$WANT_SERIAL' (was $WANT_PATH)"
		return 1
	fi
	DISK_NAME=$(candidates)
	if [ "$(echo "$DISK_NAME" | wc -l)" -ne 1 ]; then
		fail disk-not-found "several disks answer to the same name: $(echo "$DISK_NAME" | tr '\n' ' ')"
		return 1
	fi
	DISK=/dev/$DISK_NAME
	if [ "$(disk_bytes "$DISK_NAME")" -ne "$WANT_BYTES" ]; then
		fail disk-changed "$DISK has $(disk_bytes "$DISK_NAME") bytes, not $WANT_BYTES"
		return 1
	fi
}

# partitions_of NAME: names of a disk's partitions, in the order they lie on the disk.
partitions_of() {
	local path
	for path in "/sys/block/$1/$1"*; do
		if [ -e "$path/partition" ]; then echo "$(cat "$path/start") ${path##*/}"; fi
	done | sort -n | cut -d ' ' -f 2
}

# partition_number NAME: its number in the table.
partition_number() {
	cat "/sys/class/block/$1/partition"
}

# probe DEVICE TAG: what blkid reads from the device itself (TYPE, UUID, PART_ENTRY_UUID...), or nothing.
probe() {
	/usr/sbin/blkid -p -o value -s "$2" "$1" 2>/dev/null
}

# reread NAME: the kernel takes the partition table as it is on the disk now; 1 when the disk stays busy for 10 s.
reread() {
	wait_until 100 blockdev --rereadpt "/dev/$1" 2>/dev/null
}

# settle_disk NAME: everything written is on the disk, and nothing old is read from a cache.
settle_disk() {
	sync
	blockdev --flushbufs "/dev/$1"
}

# looks_like_root: whether the file system at $ROOT_DIR is an operating system's root. Links may be absolute, so their target counts not.
looks_like_root() {
	local name
	for name in etc/os-release usr/lib/os-release sbin/init usr/sbin/init; do
		if [ -e "$ROOT_DIR/$name" ] || [ -L "$ROOT_DIR/$name" ]; then return 0; fi
	done
	return 1
}

# mount_options FS: what a root of that kind is mounted with; btrfs is asked for the subvolumes installers make, too.
mount_options() {
	case $1 in
	ext2 | ext3 | ext4) echo noatime ;;
	xfs) echo noatime,nouuid ;;
	btrfs) echo noatime noatime,subvol=root noatime,subvol=@ noatime,subvol=@/.snapshots/1/snapshot ;;
	esac
}

# find_root NAME: mounts the root file system of a disk at $ROOT_DIR. Sets ROOT_PART (name) and ROOT_FS; 1 when there is none.
find_root() {
	local option
	mkdir -p "$ROOT_DIR"
	for ROOT_PART in $(partitions_of "$1") "$1"; do
		ROOT_FS=$(probe "/dev/$ROOT_PART" TYPE)
		for option in $(mount_options "$ROOT_FS"); do
			mount -t "$ROOT_FS" -o "$option" "/dev/$ROOT_PART" "$ROOT_DIR" 2>/dev/null || continue
			if looks_like_root; then return 0; fi
			umount "$ROOT_DIR"
		done
	done
	return 1
}

# find_esp NAME: sets ESP_PART to the name of the disk's EFI system partition; 1 when it has none.
find_esp() {
	for ESP_PART in $(partitions_of "$1"); do
		case $(probe "/dev/$ESP_PART" PART_ENTRY_TYPE) in "$ESP_TYPE" | 0xef) return 0 ;; esac
	done
	return 1
}

# zero_edges NAME MIB: zeroes the first and last MIB of a disk; 1 on a write error.
zero_edges() {
	local bytes edge=$(($2 * 1048576))
	bytes=$(disk_bytes "$1")
	if [ "$edge" -gt "$bytes" ]; then edge=$bytes; fi
	/usr/bin/dd if=/dev/zero of="/dev/$1" bs=1M count=$edge iflag=count_bytes conv=fsync 2>/dev/null &&
		/usr/bin/dd if=/dev/zero of="/dev/$1" bs=1M count=$edge seek=$((bytes - edge)) iflag=count_bytes oflag=seek_bytes conv=fsync 2>/dev/null
}

# wipe_signatures NAME: removes file system, RAID and partition table signatures of the disk and all its partitions.
wipe_signatures() {
	local part
	for part in $(partitions_of "$1"); do
		/usr/sbin/wipefs -q -a -f "/dev/$part" || return 1
	done
	/usr/sbin/wipefs -q -a -f "/dev/$1"
}
