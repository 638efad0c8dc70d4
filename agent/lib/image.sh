# The write-image step: one stream from the rack to the disk, hashed on its way, the status of every stage kept.

DOWNLOAD=$RUN/download

# progress_now AT: the bytes downloaded so far where a download runs, else AT.
progress_now() {
	local base now=
	if ! base=$(cat "$DOWNLOAD/done" 2>/dev/null); then echo "$1"; return; fi
	if [ -s "$DOWNLOAD/pid" ]; then now=$(written_by "$(cat "$DOWNLOAD/pid")"); fi
	echo $((base + ${now:-0}))
}

# decompress KIND: standard input to standard output.
decompress() {
	case $1 in
	zstd) /usr/bin/zstd -q -d -c ;;
	gzip) gunzip -c ;;
	xz) xz -d -c ;;
	none) cat ;;
	*) return 1 ;;
	esac
}

# stage NAME COMMAND...: runs a stage, keeps its status in $DOWNLOAD/NAME.status and its errors in NAME.errors, and drains
# what it left unread, so that the hash is always over the whole download and no stage fails for another's sake.
stage() {
	local name=$1
	shift
	"$@" 2>"$DOWNLOAD/$name.errors"
	echo $? >"$DOWNLOAD/$name.status"
	cat >/dev/null
}

stage_status() {
	cat "$DOWNLOAD/$1.status" 2>/dev/null || echo 1
}

stage_error() {
	tail -n 1 "$DOWNLOAD/$1.errors" | cut -c1-300
}

# fetch_stage: the download; it has no input to drain.
fetch_stage() {
	fetch "$IMAGE_URL" "$IMAGE_BYTES" "$DOWNLOAD"
	echo $? >"$DOWNLOAD/fetch.status"
}

# stream_image COMMAND...: the image, decompressed, into a command. Sets IMAGE_HASH; the stages' statuses are judged by judge_stream.
stream_image() {
	rm -rf "$DOWNLOAD"
	mkdir -p "$DOWNLOAD"
	echo 0 >"$DOWNLOAD/done"
	echo "0 $IMAGE_BYTES" >"$PROGRESS"
	mkfifo "$DOWNLOAD/copy"
	sha256sum <"$DOWNLOAD/copy" >"$DOWNLOAD/sha256" &
	local hasher=$!
	fetch_stage | stage copy tee "$DOWNLOAD/copy" | stage decompress decompress "$IMAGE_COMPRESSION" | stage write "$@"
	wait "$hasher"
	IMAGE_HASH=$(cut -d ' ' -f 1 "$DOWNLOAD/sha256")
	say "$STEP: $(cat "$DOWNLOAD/done") of $IMAGE_BYTES bytes read"
}

# judge_stream: the reason a stream failed, the first cause first.
judge_stream() {
	if [ "$(stage_status fetch)" -ne 0 ]; then
		fail image-unavailable "the download ended at byte $(cat "$DOWNLOAD/done"), status $(cat "$DOWNLOAD/status" 2>/dev/null)"
	elif [ "$IMAGE_HASH" != "$IMAGE_SHA256" ]; then
		fail image-hash-mismatch "the image's sha256 is $IMAGE_HASH, not $IMAGE_SHA256"
	elif grep -q 'No space left' "$DOWNLOAD/write.errors"; then
		fail disk-too-small "the image does not fit on $DISK"
	elif [ "$(stage_status decompress)" -ne 0 ]; then
		fail tool-error "decompressing: $(stage_error decompress)"
	elif [ "$(stage_status write)" -ne 0 ]; then
		fail disk-write-error "writing $DISK: $(stage_error write)"
	elif [ "$(stage_status copy)" -ne 0 ]; then
		fail tool-error "copying: $(stage_error copy)"
	fi
}

read_image() {
	eval "$(/usr/bin/jq -r '.parameters.image | @sh "IMAGE_FORMAT=\(.format) IMAGE_COMPRESSION=\(.compression) IMAGE_URL=\(.url) IMAGE_BYTES=\(.sizeBytes) IMAGE_SHA256=\(.sha256)"' "$RUN/claim")"
}

# is_bootable_disk: whether the disk starts with a boot sector's signature (a protective or a real MBR).
is_bootable_disk() {
	[ "$(od -An -tx1 -j510 -N2 "$DISK" | tr -d ' \n')" = 55aa ]
}

# write_raw: the image is the disk. What an older system left at both ends goes first: its backup GPT would lie behind the image.
write_raw() {
	if [ "$IMAGE_COMPRESSION" = none ] && [ "$IMAGE_BYTES" -gt "$WANT_BYTES" ]; then
		fail disk-too-small "the image has $IMAGE_BYTES bytes, $DISK has $WANT_BYTES"
		return 1
	fi
	if ! wipe_signatures "$DISK_NAME" || ! zero_edges "$DISK_NAME" 1; then fail disk-write-error "$DISK cannot be wiped"; return 1; fi
	stream_image /usr/bin/dd of="$DISK" bs=4M iflag=fullblock conv=fsync
	judge_stream || return 1
	WRITTEN=$(sed -n 's/^\([0-9]*\) bytes.*/\1/p' "$DOWNLOAD/write.errors")
	settle_disk "$DISK_NAME"
	if ! is_bootable_disk; then fail image-not-bootable "the image has no boot sector or partition table"; return 1; fi
	if ! reread "$DISK_NAME"; then fail disk-write-error "$DISK is busy: its new partitions cannot be read"; fi
}

# step_write_image: a failed write leaves no half system that might boot.
step_write_image() {
	local written
	find_disk .parameters.disk || return 1
	read_image
	case $IMAGE_FORMAT in
	raw) write_raw ;;
	rootfs) write_rootfs ;;
	*) fail tool-error "no image format '$IMAGE_FORMAT'" ;;
	esac
	written=$?
	rm -f "$DOWNLOAD/done"
	if [ "$written" -ne 0 ]; then
		zero_edges "$DISK_NAME" 1
		settle_disk "$DISK_NAME"
		return 1
	fi
	/usr/bin/jq -c -n --argjson bytes "$WRITTEN" --arg sha256 "$IMAGE_HASH" --arg disk "$DISK" \
		'{ bytesWritten: $bytes, sha256: $sha256, disk: $disk }' >"$EVIDENCE"
}
