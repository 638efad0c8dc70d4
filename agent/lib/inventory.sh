# What the machine is made of (contracts: inventory.ts). Facts go to tab-separated files; inventory.jq makes the JSON of them.

FACTS=$RUN/facts

# sysfs FILE: its first line without tabs or control characters, or nothing.
sysfs() {
	if [ -r "$1" ]; then head -n 1 "$1" 2>/dev/null | tr -d '\000-\037\177'; fi
}

# row VALUE...: one tab-separated line.
row() {
	local value separator=
	for value in "$@"; do
		printf '%s%s' "$separator" "$value"
		separator='	'
	done
	printf '\n'
}

# transport_of DEVICE_PATH: how a disk is attached, told from where it hangs.
transport_of() {
	case $1 in
	*/nvme*) echo nvme ;;
	*/usb*) echo usb ;;
	*/virtio*) echo virtio ;;
	*/ata*) echo sata ;;
	*/end_device-*) echo sas ;;
	*/mmc*) echo mmc ;;
	*/host*) echo scsi ;;
	esac
}

# disk_serial NAME: what the disk calls itself; SCSI has it in page 80h behind a 4-byte head (SPC-4 7.8.15).
disk_serial() {
	local base=/sys/block/$1 found
	if [ -r "$base/device/vpd_pg80" ]; then
		found=$(tail -c +5 "$base/device/vpd_pg80" 2>/dev/null | tr -d '\000-\037\177')
		if [ -n "$found" ]; then printf '%s' "$found"; return; fi
	fi
	if [ -r "$base/serial" ]; then sysfs "$base/serial"; else sysfs "$base/device/serial"; fi
}

# disk_wwn NAME: the world-wide name; other forms of wwid (t10...) are no name but a model and a serial.
disk_wwn() {
	local name
	name=$(sysfs "/sys/block/$1/wwid")
	if [ -z "$name" ]; then name=$(sysfs "/sys/block/$1/device/wwid"); fi
	case $name in naa.* | eui.* | uuid.* | nvme.*) printf '%s' "$name" ;; esac
}

disk_bytes() {
	echo $(($(cat "/sys/block/$1/size") * 512))
}

disk_row() {
	local base=/sys/block/$1
	row "$1" "/dev/$1" "$(disk_bytes "$1")" "$(sysfs "$base/queue/logical_block_size")" "$(disk_serial "$1")" "$(disk_wwn "$1")" \
		"$(sysfs "$base/device/model")" "$(sysfs "$base/queue/rotational")" "$(transport_of "$(readlink -f "$base")")" "$(sysfs "$base/removable")"
}

# pci_id DEVICE: vendor:device of the PCI function a device is, or (virtio) sits on.
pci_id() {
	local path
	path=$(readlink -f "$1")
	if [ ! -r "$path/class" ]; then path=${path%/*}; fi
	if [ -r "$path/vendor" ] && [ -r "$path/device" ]; then
		printf '%s:%s' "$(sysfs "$path/vendor" | cut -c3-)" "$(sysfs "$path/device" | cut -c3-)"
	fi
}

nic_row() {
	local base=/sys/class/net/$1 driver
	driver=$(readlink -f "$base/device/driver")
	row "$1" "$(sysfs "$base/address")" "$(sysfs "$base/carrier")" "$(sysfs "$base/speed")" "${driver##*/}" "$(pci_id "$base/device")" \
		"$(if [ "$1" = "$IFACE" ]; then echo 1; else echo 0; fi)"
}

# physical_nics: names of the Ethernet interfaces (ARPHRD 1) that are devices.
physical_nics() {
	local path
	for path in /sys/class/net/*; do
		if [ -e "$path/device" ] && [ "$(cat "$path/type")" = 1 ]; then echo "${path##*/}"; fi
	done
}

# all_linked: whether every interface has a link.
all_linked() {
	local name
	for name in $(physical_nics); do
		if [ "$(cat "/sys/class/net/$name/carrier" 2>/dev/null)" != 1 ]; then return 1; fi
	done
}

# collect_nics: brings the others up for at most 4 s: an interface that is down does not know its link.
collect_nics() {
	local name
	for name in $(physical_nics); do ip link set "$name" up; done
	wait_until 40 all_linked
	for name in $(physical_nics); do nic_row "$name"; done >"$FACTS/nics"
	only_iface_up
}

collect_cpu() {
	awk -F '[ \t]*: ' '
		/^model name/ && model == "" { model = $2 }
		/^processor/ { threads++ }
		/^physical id/ { package = $2; packages[package] = 1 }
		/^core id/ { cores[package "/" $2] = 1 }
		END { for (i in packages) sockets++; for (i in cores) n++
			printf "%s\t%d\t%d\t%d\n", model, sockets ? sockets : 1, n ? n : threads, threads }' /proc/cpuinfo >"$FACTS/cpu"
}

# collect_memory: the modules by SMBIOS type 17, and what the kernel has, in bytes.
collect_memory() {
	awk '/^MemTotal:/ { printf "%.0f\n", $2 * 1024 }' /proc/meminfo >"$FACTS/memory"
	/usr/sbin/dmidecode -q -t 17 2>/dev/null | awk -F ': ' '
		function flush() { if (bytes > 0) printf "%s\t%.0f\t%s\t%d\n", locator, bytes, type, speed; bytes = 0; locator = type = ""; speed = 0 }
		/^Memory Device/ { flush() }
		/^\tSize:/ { split($2, part, " "); unit = part[2]
			bytes = part[1] * (unit == "TB" ? 1099511627776 : unit == "GB" ? 1073741824 : unit == "MB" ? 1048576 : unit == "kB" ? 1024 : 0) }
		/^\tLocator:/ { locator = $2 }
		/^\tType:/ { type = $2 }
		/^\tSpeed:/ { speed = $2 + 0 }
		END { flush() }' >"$FACTS/modules"
}

collect_dmi() {
	local name
	for name in sys_vendor product_name product_serial product_uuid board_vendor board_name bios_vendor bios_version chassis_serial; do
		row "$name" "$(sysfs "/sys/class/dmi/id/$name")"
	done >"$FACTS/dmi"
}

# collect_bmc: what SMBIOS type 38 promises and, where the BMC answers, what it says.
collect_bmc() {
	: >"$FACTS/bmc"
	/usr/sbin/dmidecode -q -t 38 2>/dev/null | sed -n 's/^\tInterface Type: \([A-Z]*\).*/interface\t\1/p' | head -n 1 >>"$FACTS/bmc"
	if [ ! -c /dev/ipmi0 ]; then return; fi
	timeout 20 /usr/bin/ipmitool lan print 2>/dev/null |
		sed -n -e 's/^IP Address  *: \(.*\)/address\t\1/p' -e 's/^MAC Address  *: \(.*\)/mac\t\1/p' >>"$FACTS/bmc"
	timeout 20 /usr/bin/ipmitool mc info 2>/dev/null | sed -n 's/^Firmware Revision  *: \(.*\)/firmware\t\1/p' >>"$FACTS/bmc"
	if ! grep -q '^interface' "$FACTS/bmc"; then row interface IPMI >>"$FACTS/bmc"; fi
}

# write_inventory FILE: the protocol's Inventory.
write_inventory() {
	local name file target=$1
	mkdir -p "$FACTS"
	wait_for_devices
	for name in $(physical_disks); do disk_row "$name"; done >"$FACTS/disks"
	collect_nics
	collect_cpu
	collect_memory
	collect_dmi
	collect_bmc
	read_firmware
	set --
	for file in disks nics cpu memory modules dmi bmc; do set -- "$@" --rawfile "$file" "$FACTS/$file"; done
	/usr/bin/jq -c -n -f "$LIB/inventory.jq" --arg firmware "$FIRMWARE" --argjson secure "$SECURE" \
		--arg architecture "$(machine_architecture)" "$@" >"$target"
}

step_inventory() {
	if ! write_inventory "$RUN/inventory"; then fail tool-error "the inventory could not be collected"; return 1; fi
	call POST /agent/v1/inventory "$RUN/inventory"
	case $STATUS in 2??) ;; *) fail tool-error "the rack refused the inventory: $(error_text)" ;; esac
}
