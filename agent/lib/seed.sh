# The seed step: cloud-init's NoCloud files, or where to fetch them, and nothing else to look at; then the boot entry.

SEED_DIR=var/lib/cloud/seed/nocloud

# write_seed_files: each file of the claim, readable by root alone; 1 on any error.
write_seed_files() {
	local name
	mkdir -p "$ROOT_DIR/$SEED_DIR" "$ROOT_DIR/etc/cloud/cloud.cfg.d" || return 1
	for name in meta-data user-data vendor-data network-config; do
		rm -f "$ROOT_DIR/$SEED_DIR/$name"
		if [ "$(/usr/bin/jq -r ".parameters.files | has(\"$name\")" "$RUN/claim")" != true ]; then continue; fi
		/usr/bin/jq -r ".parameters.files[\"$name\"]" "$RUN/claim" | base64 -d >"$ROOT_DIR/$SEED_DIR/$name" || return 1
		chmod 0600 "$ROOT_DIR/$SEED_DIR/$name" || return 1
	done
}

# pin_datasource: no other data source is tried, so nobody on the network can hand this machine another identity. A claim that
# names another one brings the file itself, which holds credentials.
pin_datasource() {
	local file="$ROOT_DIR/etc/cloud/cloud.cfg.d/90_ironbus.cfg"
	rm -f "$file"
	if [ "$(/usr/bin/jq -r '.parameters | has("config")' "$RUN/claim")" = true ]; then
		(umask 077 && /usr/bin/jq -r .parameters.config "$RUN/claim" | base64 -d >"$file")
		return
	fi
	printf '# Written by Ironbus when it deployed this machine.\ndatasource_list: [ NoCloud, None ]\n' >"$file" && chmod 0644 "$file"
}

# write_marker: which deployment this root is.
write_marker() {
	printf 'node=%s\nattempt=%s\n' "$NODE" "$ATTEMPT" >"$ROOT_DIR/etc/ironbus-root" && chmod 0644 "$ROOT_DIR/etc/ironbus-root"
}

step_seed() {
	local ended=0
	find_disk .parameters.disk || return 1
	reread "$DISK_NAME"
	if ! find_root "$DISK_NAME"; then fail no-root-filesystem "no root file system on $DISK"; return 1; fi
	write_seed_files && pin_datasource && write_marker || ended=1
	umount "$ROOT_DIR" || ended=1
	settle_disk "$DISK_NAME"
	if [ "$ended" -ne 0 ]; then fail seed-write-error "the seed could not be written to /dev/$ROOT_PART"; return 1; fi
	set_boot_entry "$DISK_NAME" "$(/usr/bin/jq -r '.parameters.bootOrder // "network-first"' "$RUN/claim")"
	/usr/bin/jq -c --arg entry "$BOOT_ENTRY" --arg dir "/$SEED_DIR/" \
		'{ files: (.parameters.files | keys | map($dir + .)), bootEntry: (if $entry == "" then null else $entry end) }' "$RUN/claim" >"$EVIDENCE"
}
