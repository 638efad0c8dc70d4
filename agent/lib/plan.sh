# The plan: check in, claim and run the steps in order, report each, then do what the rack says.

# run_for_ever: one check-in after another; a reboot or a power-off ends it.
run_for_ever() {
	while :; do
		check_in
		case $STATUS in
		200) run_plan ;;
		*) say "check-in refused: $(error_text)"; sleep 15 ;;
		esac
	done
}

check_in() {
	write_check_in "$RUN/check-in"
	call POST /agent/v1/check-in "$RUN/check-in"
}

# run_plan: the plan in $ANSWER to its end.
run_plan() {
	local next kind step
	cp "$ANSWER" "$RUN/plan"
	eval "$(/usr/bin/jq -r '@sh "NODE=\(.node) OPERATION=\(.operation) ATTEMPT=\(.attempt) END=\(.end) POLL=\(.pollSeconds // 5)"' "$RUN/plan")"
	/usr/bin/jq -r '.steps[] | "\(.id) \(.kind)"' "$RUN/plan" >"$RUN/steps"
	say_once "$NODE: $OPERATION, attempt $ATTEMPT, steps: $(cut -d ' ' -f 1 "$RUN/steps" | tr '\n' ' ')then $END"
	next=$END
	while read -r step kind <&4; do
		do_step "$step" "$kind" || return 0
		next=$NEXT
		if [ "$next" != continue ]; then break; fi
	done 4<"$RUN/steps"
	if [ "$next" = continue ]; then next=$END; fi
	finish "$next"
}

# say_once TEXT: says it unless it was the last thing said this way (a held machine polls for days).
say_once() {
	if [ "$1" = "${SAID:-}" ]; then return; fi
	SAID=$1
	say "$1"
}

# do_step ID KIND: claim, run, report. Sets NEXT; 1 when the attempt is over or was not believed: check in again.
do_step() {
	local started
	STEP=$1
	printf '{"attempt":%s}' "$ATTEMPT" >"$RUN/claim-request"
	call POST "/agent/v1/steps/$1/claim" "$RUN/claim-request"
	if [ "$STATUS" != 200 ]; then
		say "$1: not ours to do: $(error_text)"
		sleep "$POLL"
		return 1
	fi
	cp "$ANSWER" "$RUN/claim"
	CLAIM=$(/usr/bin/jq -r .claim "$RUN/claim")
	say "$1: started (claim $CLAIM)"
	uptime_seconds
	started=$UPTIME
	run_step "$2"
	report "$1" "$started"
}

# run_step KIND: runs it with heartbeats beside it. Sets OUTCOME, REASON, MESSAGE; leaves the evidence in $EVIDENCE.
run_step() {
	OUTCOME=succeeded REASON='' MESSAGE=''
	EVIDENCE=$RUN/evidence
	PROGRESS=$RUN/progress
	echo '{}' >"$EVIDENCE"
	echo '0 0' >"$PROGRESS"
	beat_for_ever &
	local beats=$!
	case $1 in
	inventory) step_inventory ;;
	erase) step_erase ;;
	write-image) step_write_image ;;
	grow) step_grow ;;
	seed) step_seed ;;
	test) step_test ;;
	*) fail step-unknown "this agent has no step of kind $1" ;;
	esac
	if [ $? -ne 0 ]; then OUTCOME=failed; fi
	kill "$beats" 2>/dev/null
	wait "$beats" 2>/dev/null
}

# beat_for_ever: a heartbeat every 10 s with the step's progress; nobody waits for its answer.
beat_for_ever() {
	local at total
	HTTP_DIR=$RUN/heartbeat
	mkdir -p "$HTTP_DIR"
	while sleep 10; do
		read -r at total <"$PROGRESS"
		at=$(progress_now "$at")
		if [ "${total:-0}" -gt 0 ]; then say "$STEP $((at * 100 / total))%"; fi
		printf '{"attempt":%s,"step":"%s","bytesDone":%s,"bytesTotal":%s}' "$ATTEMPT" "$STEP" "$at" "${total:-0}" >"$HTTP_DIR/beat"
		http POST "$RACK_URL/agent/v1/heartbeat" "$HTTP_DIR/beat"
	done
}

# report ID STARTED: sends the step's outcome and sets NEXT; 1 when the rack does not take it.
report() {
	uptime_seconds
	if [ "$OUTCOME" = succeeded ]; then say "$1: done"; else say "$1: failed: $REASON: $MESSAGE"; send_log; fi
	/usr/bin/jq -c -n --argjson attempt "$ATTEMPT" --argjson claim "$CLAIM" --arg outcome "$OUTCOME" --arg reason "$REASON" \
		--arg message "$MESSAGE" --slurpfile evidence "$EVIDENCE" --argjson from "$2" --argjson to "$UPTIME" '
		def known: if . == "" then null else . end;
		{ attempt: $attempt, claim: $claim, outcome: $outcome, reason: ($reason | known), message: ($message | .[0:500] | known),
		  evidence: ($evidence[0] // {}), seconds: (($to - $from) * 100 | round / 100) }' >"$RUN/report"
	call POST "/agent/v1/steps/$1/report" "$RUN/report"
	if [ "$STATUS" != 200 ]; then
		say "$1: the report was not taken: $(error_text)"
		sleep "$POLL"
		return 1
	fi
	NEXT=$(/usr/bin/jq -r '.next // "continue"' "$ANSWER")
}

# send_log: the end of the transcript to the rack; a rack that does not answer is not waited for.
send_log() {
	tail -c 60000 "$TRANSCRIPT" >"$RUN/log"
	http POST "$RACK_URL/agent/v1/log" "$RUN/log" text/plain
}

# finish WHAT: reboot, poweroff, or wait for the next plan.
finish() {
	case $1 in
	reboot | poweroff)
		say "$1"
		send_log
		sync
		"$1" -f
		sleep 60
		;;
	*) sleep "$POLL" ;;
	esac
}
