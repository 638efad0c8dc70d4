# The network of the interface that booted; the others stay down.

# interface_of MAC: sets IFACE to the physical Ethernet interface with that address.
interface_of() {
	local path
	for path in /sys/class/net/*; do
		if [ -e "$path/device" ] && [ "$(cat "$path/address")" = "$1" ]; then
			IFACE=${path##*/}
			return 0
		fi
	done
	return 1
}

# interface_with_link: sets IFACE to the first physical interface with a link, bringing them all up to see it.
interface_with_link() {
	local path
	for path in /sys/class/net/*; do
		if [ ! -e "$path/device" ]; then continue; fi
		IFACE=${path##*/}
		ip link set "$IFACE" up
		if has_link; then return 0; fi
	done
	return 1
}

has_link() {
	[ "$(cat "/sys/class/net/$IFACE/carrier" 2>/dev/null)" = 1 ]
}

only_iface_up() {
	local path
	for path in /sys/class/net/*; do
		if [ -e "$path/device" ] && [ "${path##*/}" != "$IFACE" ]; then ip link set "${path##*/}" down; fi
	done
}

find_interface() {
	if [ -n "$BOOT_MAC" ]; then interface_of "$BOOT_MAC"; else interface_with_link; fi
}

# bring_up_network: waits for the interface, its link and a lease, for as long as it takes. Sets IFACE, BOOT_MAC.
bring_up_network() {
	local wait=1
	ip link set lo up
	until wait_until 100 find_interface; do say "no network interface ${BOOT_MAC:-with a link} yet"; done
	BOOT_MAC=$(cat "/sys/class/net/$IFACE/address")
	only_iface_up
	ip link set "$IFACE" up
	wait_until 50 has_link || say "$IFACE has no link yet"
	# In the background after the lease, to renew it.
	until udhcpc -n -t 5 -T 1 -i "$IFACE" -V ironbus-agent -s "$LIB/dhcp-event" >/dev/null 2>&1; do
		say "no answer to DHCP on $IFACE; again in $wait s"
		sleep "$wait"
		wait=$(next_backoff "$wait")
	done
	say "$IFACE $BOOT_MAC has $(own_address)"
}

# own_address: the first IPv4 address of the interface that booted.
own_address() {
	ip -4 -o addr show dev "$IFACE" | sed -n 's/.*inet \([0-9.]*\).*/\1/p' | head -n 1
}
