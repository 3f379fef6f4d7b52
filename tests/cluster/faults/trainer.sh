# A trainer whose attempts meet with what the request's model path says, `fault:<first attempt>/<later attempts>`.
# It leaves a history with the machine's uptime, and a checkpoint that later attempts must find.
request=$LAMINA_REQUEST
text() { echo "$request" | sed -n "s/.*\"$1\":\"$2\([^\"]*\)\".*/\1/p"; }
number() { echo "$request" | sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p"; }
attempt=$(number attempt)
output=$(text output)
checkpoints=$(text checkpoints)
mkdir -p "$output" "$checkpoints" && cd "$output" || exit 1
say() { read -r up rest < /proc/uptime; echo "$up $*" >> history; }
say "start $LAMINA_NODE_NAME"
[ -f "$checkpoints/step" ] && say "resumed $(cat "$checkpoints/step")"
echo "$attempt" > "$checkpoints/step"

finish() {
  sed "s/TRIAL/$(text trialId)/;s/ATTEMPT/$(text attemptId)/" "$FAULTS/result.json" > result.json
  say end 0
  exit 0
}
fail() { say end "$1"; exit "$1"; }

asked=$(text path fault:)
if [ "$attempt" = 1 ]; then asked=${asked%%/*}; else asked=${asked##*/}; fi
case $asked in
  succeed) sleep 1; finish ;;
  exit*) fail "${asked#exit }" ;;
  # Fits with a micro-batch of 2.
  tight) [ "$(number microBatch)" -gt 2 ] && fail 65; sleep 1; finish ;;
  memory) say end 137; tail /dev/zero; fail 1 ;;
  # Until it is told to end.
  wait) trap 'fail 75' TERM; while [ ! -e "$FAULTS/go-$(text experimentId)" ]; do sleep 0.1; done; finish ;;
  hang) trap 'fail 75' TERM; while :; do sleep 0.1; done ;;
esac
