# The UEFI boot entry of the deployed disk.

BOOT_LABEL='Ironbus disk'

# our_entries: numbers of the entries made by this agent, now or in an earlier life of the machine.
our_entries() {
	/usr/bin/efibootmgr 2>/dev/null | sed -n "s/^Boot\([0-9A-F]\{4\}\)[* ] $BOOT_LABEL\(	.*\)*\$/\1/p"
}

# boot_value NAME: BootCurrent or BootOrder, as efibootmgr prints it.
boot_value() {
	/usr/bin/efibootmgr 2>/dev/null | sed -n "s/^$1: //p"
}

# loader_path: the loader on the ESP at $ESP_DIR, as firmware writes it. A vendor's own shim first: the one at the fallback path
# may start a program that makes entries of its own and puts them first.
loader_path() {
	local path
	for path in "$ESP_DIR"/EFI/*/shimx64.efi "$ESP_DIR"/EFI/*/SHIMX64.EFI "$ESP_DIR"/EFI/BOOT/BOOTX64.EFI "$ESP_DIR"/EFI/BOOT/BOOTAA64.EFI; do
		if [ -f "$path" ]; then
			printf '%s' "${path#"$ESP_DIR"}" | tr / '\\'
			return 0
		fi
	done
	return 1
}

# order_with ENTRY CURRENT ORDER POLICY: the boot order (numbers with commas) with the entry first, or right behind BootCurrent.
order_with() {
	local one rest=
	for one in $(echo "$3" | tr , ' '); do
		case $one in "$1" | "$2") ;; *) rest=$rest,$one ;; esac
	done
	if [ "$4" = disk-first ]; then echo "$1${2:+,$2}$rest"; return; fi
	case ,$3, in
	*",$2,"*) echo "$3" | tr , '\n' | awk -v entry="$1" -v current="$2" '$0 != entry { print } $0 == current { print entry }' | paste -s -d , - ;;
	*) echo "${2:+$2,}$1$rest" ;;
	esac
}

# make_entry NAME: removes stale entries and makes one for the disk's loader; prints its number; 1 when that cannot be.
make_entry() {
	local stale path=
	for stale in $(our_entries); do /usr/bin/efibootmgr -q -b "$stale" -B >/dev/null 2>&1; done
	find_esp "$1" || return 1
	mkdir -p "$ESP_DIR"
	mount -t vfat -o ro "/dev/$ESP_PART" "$ESP_DIR" || return 1
	path=$(loader_path)
	umount "$ESP_DIR"
	if [ -z "$path" ]; then return 1; fi
	/usr/bin/efibootmgr -q -C -d "/dev/$1" -p "$(partition_number "$ESP_PART")" -L "$BOOT_LABEL" -l "$path" >/dev/null 2>&1 || return 1
	our_entries | head -n 1
}

# set_boot_entry NAME POLICY: sets BOOT_ENTRY to its number; empty on BIOS machines and where the firmware refuses.
set_boot_entry() {
	BOOT_ENTRY=
	read_firmware
	if [ "$FIRMWARE" != uefi ]; then return; fi
	if ! BOOT_ENTRY=$(make_entry "$1"); then
		say "$STEP: no boot entry could be made; the firmware will find the disk by its fallback path"
		BOOT_ENTRY=
		return
	fi
	/usr/bin/efibootmgr -q -o "$(order_with "$BOOT_ENTRY" "$(boot_value BootCurrent)" "$(boot_value BootOrder)" "$2")" >/dev/null 2>&1 ||
		say "$STEP: the boot order could not be set"
}
