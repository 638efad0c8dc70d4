# HTTP/1.0 over `nc -e`: the token stays in files only root can read, out of every argument list, and an answer is never chunked.

HTTP_WAIT_SECONDS=60
STALL_SECONDS=60
FRUITLESS_TRIES=8

# split_url URL: sets URL_HOST, URL_PORT, URL_PATH; 1 when it is not http.
split_url() {
	local rest
	case $1 in http://?*) rest=${1#http://} ;; *) return 1 ;; esac
	URL_PATH=/
	case $rest in */*) URL_PATH=/${rest#*/} ;; esac
	local authority=${rest%%/*}
	URL_PORT=80
	case $authority in
	\[*\]:*) URL_PORT=${authority##*:}; authority=${authority%:*} ;;
	\[*\]) ;;
	*:*) URL_PORT=${authority##*:}; authority=${authority%:*} ;;
	esac
	URL_HOST=${authority#[}
	URL_HOST=${URL_HOST%]}
}

# request_head METHOD URL HEADER...: prints a request's head. The token goes to the rack and to nobody else.
request_head() {
	local method=$1 url=$2 header
	shift 2
	printf '%s %s HTTP/1.0\r\nHost: %s:%s\r\nConnection: close\r\n' "$method" "$URL_PATH" "$URL_HOST" "$URL_PORT"
	case $url in "$RACK_URL"/*) printf 'Authorization: Bearer %s\r\n' "$TOKEN" ;; esac
	for header in "$@"; do printf '%s\r\n' "$header"; done
	printf '\r\n'
}

# http METHOD URL [BODY_FILE [TYPE]]: one exchange. Sets STATUS (000: no whole answer) and ANSWER, the file with its body.
# Each caller that may run beside another sets its own HTTP_DIR.
http() {
	local body=${3:-} length=0
	STATUS=000
	ANSWER=$HTTP_DIR/body
	mkdir -p "$HTTP_DIR"
	rm -f "$HTTP_DIR/status" "$ANSWER"
	split_url "$2" || return 1
	if [ -n "$body" ]; then length=$(stat -c %s "$body"); fi
	{
		if [ "$1" = GET ]; then request_head GET "$2"; else
			request_head "$1" "$2" "Content-Type: ${4:-application/json}" "Content-Length: $length"
		fi
		if [ -n "$body" ]; then cat "$body"; fi
	} >"$HTTP_DIR/request"
	HTTP_DIR=$HTTP_DIR timeout $HTTP_WAIT_SECONDS nc -w 10 "$URL_HOST" "$URL_PORT" -e "$LIB/exchange" 2>/dev/null
	local ended=$?
	rm -f "$HTTP_DIR/request"
	if [ "$ended" -eq 0 ] && [ -s "$HTTP_DIR/status" ]; then read -r STATUS <"$HTTP_DIR/status"; fi
	[ "$STATUS" != 000 ]
}
HTTP_DIR=$RUN/http

# call METHOD PATH [BODY_FILE [TYPE]]: asks the rack until it answers with something else than 429 or 5xx, for as long as it takes.
call() {
	local method=$1 path=$2 wait=1
	shift 2
	while :; do
		http "$method" "$RACK_URL$path" "$@"
		case $STATUS in
		401) refused ;;
		000 | 429 | 5??) say "the rack does not answer $path ($STATUS); again in $wait s" ;;
		*) return 0 ;;
		esac
		sleep "$wait"
		wait=$(next_backoff "$wait")
	done
}

# refused: the token is unknown or spent, so nothing this machine says counts any more.
refused() {
	say "the rack refuses this boot's token: powering off in 60 s"
	sleep 60
	poweroff -f
	sleep 60
}

# error_text: the `message` of the last error answer, for people.
error_text() {
	/usr/bin/jq -r '.error | "\(.code): \(.message)"' "$ANSWER" 2>/dev/null || echo "status $STATUS"
}

# fetch URL BYTES DIR: writes exactly that many bytes of a file to standard output, going on where a broken connection
# stopped; DIR/done counts what is through. 1 after $FRUITLESS_TRIES tries in a row that brought nothing, or a 4xx.
fetch() {
	local url=$1 bytes=$2 dir=$3 fruitless=0 wait=1 got
	local at=0
	split_url "$url" || return 1
	exec 3>&1
	while [ "$at" -lt "$bytes" ]; do
		fetch_part "$url" "$at" $((bytes - at)) "$dir"
		got=$(cat "$dir/received" 2>/dev/null)
		at=$((at + ${got:-0}))
		rm -f "$dir/pid"
		echo "$at" >"$dir/done"
		if [ "$at" -ge "$bytes" ]; then break; fi
		case $(cat "$dir/status" 2>/dev/null) in 408 | 429) ;; 4??) return 1 ;; esac
		if [ "${got:-0}" -gt 0 ]; then fruitless=0 wait=1; else fruitless=$((fruitless + 1)); fi
		if [ "$fruitless" -ge $FRUITLESS_TRIES ]; then return 1; fi
		say "download interrupted at byte $at of $bytes; going on in $wait s" >&2
		sleep "$wait"
		wait=$(next_backoff "$wait")
	done
}

# fetch_part URL OFFSET BYTES DIR: one connection of a download; leaves DIR/status and DIR/received (bytes passed on to fd 3).
fetch_part() {
	local dir=$4
	rm -f "$dir/status" "$dir/received" "$dir/pid" "$dir/stalled"
	request_head GET "$1" "Range: bytes=$2-" >"$dir/request"
	HTTP_DIR=$dir OFFSET=$2 BYTES=$3 nc -w 10 "$URL_HOST" "$URL_PORT" -e "$LIB/receive" 2>/dev/null &
	local connection=$!
	watch_stall "$connection" "$dir" >/dev/null 3>&- &
	local watcher=$!
	wait "$connection"
	kill "$watcher" 2>/dev/null
	if [ -s "$dir/stalled" ]; then mv "$dir/stalled" "$dir/received"; return 0; fi
	sed -n 's/^\([0-9]*\) bytes.*/\1/p' "$dir/counted" >"$dir/received" 2>/dev/null
}

# written_by PID: the bytes a process has written so far.
written_by() {
	sed -n 's/^wchar: //p' "/proc/$1/io" 2>/dev/null
}

# watch_stall PID DIR: ends a connection that brought nothing for $STALL_SECONDS, unless it is the disk that is slow.
watch_stall() {
	local before=-1 now still=0
	while kill -0 "$1" 2>/dev/null; do
		sleep 5
		now=$(written_by "$1")
		case $(cat "/proc/$1/wchan" 2>/dev/null) in *pipe*) before=-1 ;; esac
		if [ "$now" = "$before" ]; then still=$((still + 5)); else still=0; fi
		before=$now
		if [ "$still" -lt $STALL_SECONDS ]; then continue; fi
		kill -STOP "$1"
		if [ -s "$2/pid" ]; then written_by "$1" >"$2/stalled"; else echo 0 >"$2/stalled"; fi
		kill -KILL "$1"
		return
	done
}
