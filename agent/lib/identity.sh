# Who this machine is, for the check-in.

EFI_VARS=/sys/firmware/efi/efivars
SECURE_BOOT=$EFI_VARS/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c

# read_firmware: sets FIRMWARE (bios, uefi) and SECURE (true, false); mounts the EFI variables once.
read_firmware() {
	FIRMWARE=bios SECURE=false
	if [ ! -d /sys/firmware/efi ]; then return; fi
	FIRMWARE=uefi
	grep -q " $EFI_VARS " /proc/mounts || mount -t efivarfs efivarfs "$EFI_VARS" 2>/dev/null
	# four bytes of attributes, then the value; read as a whole, for there is no seeking in this file system
	set -- $(od -An -tu1 "$SECURE_BOOT" 2>/dev/null)
	if [ "${5:-}" = 1 ]; then SECURE=true; fi
}

# machine_architecture: Debian's name of it.
machine_architecture() {
	case $(uname -m) in aarch64) echo arm64 ;; *) echo amd64 ;; esac
}

# dmi NAME: a value of the firmware's tables, or nothing.
dmi() {
	cat "/sys/class/dmi/id/$1" 2>/dev/null
}

# write_check_in FILE: the protocol's CheckIn.
write_check_in() {
	read_firmware
	uptime_seconds
	/usr/bin/jq -c -n --arg mac "$BOOT_MAC" --arg ip "$(own_address)" --arg firmware "$FIRMWARE" --argjson secure "$SECURE" \
		--arg architecture "$(machine_architecture)" --arg uuid "$(dmi product_uuid)" --arg serial "$(dmi product_serial)" \
		--rawfile version /etc/ironbus-version --argjson uptime "$UPTIME" '
		def known: sub("^\\s+"; "") | sub("\\s+$"; "") | .[0:256] | if . == "" then null else . end;
		{ mac: $mac, ip: $ip, firmware: $firmware, secureBoot: $secure, architecture: $architecture,
		  uuid: ($uuid | ascii_downcase | known), serial: ($serial | known), agentVersion: ($version | known), uptimeSeconds: $uptime }' >"$1"
}
