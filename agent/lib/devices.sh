# Drivers: no udev, only the modules that the devices present ask for by their aliases.

# new_aliases: the modaliases not seen before, one a line.
new_aliases() {
	find /sys/devices -name modalias -exec cat {} + 2>/dev/null | sort -u >"$RUN/aliases.now"
	touch "$RUN/aliases.seen"
	sort "$RUN/aliases.seen" "$RUN/aliases.seen" "$RUN/aliases.now" | uniq -u >"$RUN/aliases.new"
	mv "$RUN/aliases.now" "$RUN/aliases.seen"
}

# network_aliases [-v]: the new aliases of PCI class 02, virtio and Hyper-V network devices; with -v all others.
network_aliases() {
	grep "$@" -e '^pci:.*bc02sc' -e '^virtio:d00000001v' -e '^vmbus:' "$RUN/aliases.new"
}

# load_drivers: network first, the rest beside it, because a RAID controller may take its time.
load_drivers() {
	new_aliases
	network_aliases | xargs -r modprobe -a -q -b 2>/dev/null
	load_other_drivers &
}

# load_other_drivers: rounds, because a controller's driver brings new devices (a disk, a hub); quiet for 1 s is the end.
load_other_drivers() {
	local quiet=0
	network_aliases -v | xargs -r modprobe -a -q -b 2>/dev/null
	modprobe -a -q ipmi_devintf sd_mod 2>/dev/null
	while [ "$quiet" -lt 4 ]; do
		new_aliases
		if [ -s "$RUN/aliases.new" ]; then
			xargs -r modprobe -a -q -b <"$RUN/aliases.new" 2>/dev/null
			quiet=0
		fi
		quiet=$((quiet + 1))
		usleep 250000
	done
	: >"$RUN/drivers-loaded"
}

has_drivers() {
	[ -e "$RUN/drivers-loaded" ]
}

# is_physical NAME: whether /sys/block/NAME is a disk of the machine: not a loop, RAM, CD, floppy or mapped device.
is_physical() {
	case $1 in loop* | ram* | zram* | sr* | fd* | dm-* | md* | nbd* | mtdblock*) return 1 ;; esac
	[ -e "/sys/block/$1/device" ] && [ "$(cat "/sys/block/$1/hidden" 2>/dev/null)" != 1 ] && [ "$(cat "/sys/block/$1/size")" -gt 0 ]
}

# physical_disks: names of the machine's disks, one a line.
physical_disks() {
	local path
	for path in /sys/block/*; do
		if is_physical "${path##*/}"; then echo "${path##*/}"; fi
	done
}

# wait_for_devices: until the drivers are loaded and the set of disks has stayed the same for 1 s (15 s when there is none).
wait_for_devices() {
	local before='' now same=0 tries=0
	wait_until 600 has_drivers
	while [ "$same" -lt 4 ] && [ "$tries" -lt 60 ]; do
		now=$(physical_disks)
		if [ -n "$now" ] && [ "$now" = "$before" ]; then same=$((same + 1)); else same=0; fi
		before=$now
		tries=$((tries + 1))
		usleep 250000
	done
}
