# A root file system's tarball onto an empty disk that then boots by BIOS and by UEFI (with Secure Boot, by Debian's shim).

CORE_OFFSET=1048576
ASSETS=$RUN/assets

# fetch_asset NAME FILTER: downloads a file of boot code and checks its hash.
fetch_asset() {
	local url sha256
	url=$(/usr/bin/jq -r ".parameters.bootAssets.$2.url" "$RUN/claim")
	sha256=$(/usr/bin/jq -r ".parameters.bootAssets.$2.sha256" "$RUN/claim")
	mkdir -p "$ASSETS"
	if ! get_file "$url" "$ASSETS/$1"; then fail image-unavailable "boot code $1: status $STATUS"; return 1; fi
	if [ "$(sha256sum "$ASSETS/$1" | cut -d ' ' -f 1)" != "$sha256" ]; then fail image-hash-mismatch "boot code $1 has another sha256"; fi
}

# get_file URL FILE: a small file whole, with a few tries.
get_file() {
	local tries=0 wait=1
	while [ "$tries" -lt $FRUITLESS_TRIES ]; do
		http GET "$1"
		case $STATUS in
		200) cp "$ANSWER" "$2"; return ;;
		000 | 408 | 429 | 5??) ;;
		*) return 1 ;;
		esac
		tries=$((tries + 1))
		sleep "$wait"
		wait=$(next_backoff "$wait")
	done
	return 1
}

fetch_assets() {
	fetch_asset boot.img bios.boot && fetch_asset core.img bios.core && fetch_asset shim.efi uefi.shim && fetch_asset grub.efi uefi.grub
}

# partition_disk: GPT: BIOS boot 1 MiB at 1 MiB (boot.img looks for core.img there), ESP 64 MiB, root the rest.
partition_disk() {
	/usr/sbin/sfdisk -q --force --no-reread --no-tell-kernel -w always -W always "$DISK" >"$RUN/sfdisk" 2>&1 <<-'TABLE'
		label: gpt
		start=1MiB, size=1MiB, type=21686148-6449-6E6F-744E-656564454649, name=bios
		start=2MiB, size=64MiB, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, name=esp
		start=66MiB, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, name=root
	TABLE
}

# make_file_systems: ext4 without the two features that GRUB 2.06 and kernels before 5.15 do not read.
make_file_systems() {
	# shellcheck disable=SC2046
	set -- $(partitions_of "$DISK_NAME")
	if [ $# -ne 3 ]; then return 1; fi
	ESP_PART=$2 ROOT_PART=$3
	/usr/sbin/mkfs.fat -F 32 -n ESP "/dev/$ESP_PART" >"$RUN/mkfs" 2>&1 &&
		/usr/sbin/mke2fs -q -F -t ext4 -L root -O ^metadata_csum_seed,^orphan_file "/dev/$ROOT_PART" >>"$RUN/mkfs" 2>&1 &&
		mkdir -p "$ROOT_DIR" "$ESP_DIR" && mount -t ext4 -o noatime "/dev/$ROOT_PART" "$ROOT_DIR"
}

# newest_kernel: the file name of the newest kernel in /boot, or nothing.
newest_kernel() {
	(cd "$ROOT_DIR/boot" 2>/dev/null && ls -1 | grep -E '^(vmlinuz|vmlinux|Image)(-|$)' | sort -V | tail -n 1)
}

# initrd_of KERNEL: the initramfs that belongs to it, by Debian's or Fedora's name, or nothing.
initrd_of() {
	local name version=${1#*-}
	for name in "initrd.img-$version" "initramfs-$version.img" "initrd-$version" initrd.img; do
		if [ -f "$ROOT_DIR/boot/$name" ]; then echo "$name"; return; fi
	done
}

# console_arguments: the consoles the agent was booted with, for the installed system.
console_arguments() {
	local found
	found=$(tr ' ' '\n' </proc/cmdline | grep '^console=' | tr '\n' ' ')
	echo "${found:-console=tty0}"
}

# write_grub_config KERNEL: /boot/grub/grub.cfg, where the image brought none. Without an initramfs the kernel knows no UUID= but PARTUUID=.
write_grub_config() {
	local initrd root
	if [ -s "$ROOT_DIR/boot/grub/grub.cfg" ]; then return 0; fi
	initrd=$(initrd_of "$1")
	root=UUID=$ROOT_UUID
	if [ -z "$initrd" ]; then root=PARTUUID=$(probe "/dev/$ROOT_PART" PART_ENTRY_UUID); fi
	mkdir -p "$ROOT_DIR/boot/grub" || return 1
	{
		printf 'serial --unit=0 --speed=115200\nterminal_input console serial\nterminal_output console serial\n'
		printf 'set timeout=1\nmenuentry "%s" {\n' "$1"
		printf '  search --no-floppy --fs-uuid --set=root %s\n  linux /boot/%s root=%s ro %s\n' "$ROOT_UUID" "$1" "$root" "$(console_arguments)"
		if [ -n "$initrd" ]; then printf '  initrd /boot/%s\n' "$initrd"; fi
		printf '}\n'
	} >"$ROOT_DIR/boot/grub/grub.cfg"
}

write_fstab() {
	{
		printf 'UUID=%s / ext4 defaults,errors=remount-ro 0 1\n' "$ROOT_UUID"
		printf 'UUID=%s /boot/efi vfat umask=0077,nofail 0 1\n' "$(probe "/dev/$ESP_PART" UUID)"
	} >"$ROOT_DIR/etc/fstab"
}

# install_bios: boot.img's 440 bytes before the partition table, core.img in the BIOS boot partition. Both are already patched.
install_bios() {
	[ "$(stat -c %s "$ASSETS/core.img")" -le 1048576 ] &&
		/usr/bin/dd if="$ASSETS/boot.img" of="$DISK" bs=440 count=1 conv=notrunc 2>/dev/null &&
		/usr/bin/dd if="$ASSETS/core.img" of="$DISK" bs=4k seek=$CORE_OFFSET oflag=seek_bytes conv=notrunc,fsync 2>/dev/null
}

# install_uefi: shim at the path firmware tries without any boot entry; signed GRUB reads \EFI\debian\grub.cfg.
install_uefi() {
	local ended=0
	mount -t vfat "/dev/$ESP_PART" "$ESP_DIR" || return 1
	{
		mkdir -p "$ESP_DIR/EFI/BOOT" "$ESP_DIR/EFI/debian" &&
			cp "$ASSETS/shim.efi" "$ESP_DIR/EFI/BOOT/BOOTX64.EFI" && cp "$ASSETS/grub.efi" "$ESP_DIR/EFI/BOOT/grubx64.efi" &&
			printf 'search --no-floppy --fs-uuid --set=root %s\nset prefix=($root)/boot/grub\nconfigfile $prefix/grub.cfg\n' "$ROOT_UUID" \
				>"$ESP_DIR/EFI/debian/grub.cfg"
	} || ended=1
	umount "$ESP_DIR" && [ "$ended" -eq 0 ]
}

# finish_root: what the tarball cannot know, and the boot code; fails with a reason.
finish_root() {
	local kernel
	kernel=$(newest_kernel)
	if [ -z "$kernel" ]; then fail image-not-bootable "the image has no kernel in /boot"; return 1; fi
	ROOT_UUID=$(probe "/dev/$ROOT_PART" UUID)
	(cd "$ROOT_DIR" && mkdir -p dev proc sys run tmp etc boot/efi && chmod 1777 tmp) &&
		write_fstab && write_grub_config "$kernel" && install_bios && install_uefi ||
		fail disk-write-error "the boot code could not be written to $DISK"
}

# unpack_root: the tarball into the mounted root, with owners by number, ACLs and extended attributes.
unpack_root() {
	stream_image /usr/bin/tar -x -p -f - -C "$ROOT_DIR" --numeric-owner --acls --xattrs '--xattrs-include=*'
	judge_stream
}

# write_rootfs: boot code is fetched before the disk is touched.
write_rootfs() {
	local ended=0
	fetch_assets || return 1
	if ! wipe_signatures "$DISK_NAME" || ! zero_edges "$DISK_NAME" 2; then fail disk-write-error "$DISK cannot be wiped"; return 1; fi
	if ! partition_disk; then fail disk-write-error "partitioning $DISK: $(tail -n 1 "$RUN/sfdisk")"; return 1; fi
	if ! reread "$DISK_NAME" || ! make_file_systems; then fail disk-write-error "no file systems on $DISK: $(tail -n 1 "$RUN/mkfs")"; return 1; fi
	unpack_root && finish_root || ended=1
	WRITTEN=$(($(stat -f -c '(%b - %f) * %S' "$ROOT_DIR")))
	umount "$ROOT_DIR" || ended=1
	settle_disk "$DISK_NAME"
	if [ "$ended" -ne 0 ] && [ -z "$REASON" ]; then fail disk-write-error "$DISK could not be unmounted"; fi
	return $ended
}
