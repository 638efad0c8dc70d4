#!/bin/sh
# What udhcpc and dhclient call: says what happened on one line and sets the address. Touches nothing outside its namespace.
case "${1:-$reason}" in
deconfig|PREINIT) ip link set "$interface" up; exit 0 ;;
bound|renew) ip addr replace "$ip/${mask:-24}" dev "$interface"; address=$ip; seconds=$lease; server=$serverid; names=$dns; file=$boot_file ;;
BOUND|RENEW|REBIND|REBOOT) ip addr replace "$new_ip_address/24" dev "$interface"; address=$new_ip_address; seconds=$new_dhcp_lease_time; server=$new_dhcp_server_identifier; names=$new_domain_name_servers; file=$new_filename ;;
*) exit 0 ;;
esac
echo "LEASE ${1:-$reason} address=$address seconds=$seconds server=$server dns=$names file=$file"
exit 0
