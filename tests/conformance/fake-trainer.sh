# Stands in for the trainer where the runner is what is tested: does what the request's model path says.
# Called with `--request FILE` in the attempt's folder, or with `run --request-env VARIABLE` anywhere.
request=$LAMINA_REQUEST
[ "$1" = --request ] && request=$(cat "$2")
field() { echo "$request" | sed "s/.*\"$1\":\"$2\([^\"]*\)\".*/\1/"; }
path=$(field path fake:)
attempt=$(field attemptId)
output=$(field output)
[ "$1" = --request ] || { mkdir -p "$output" && cd "$output"; } || exit 1
echo started >> starts
[ -z "${CUDA_VISIBLE_DEVICES+given}" ] || echo "$CUDA_VISIBLE_DEVICES" > devices
echo "asked to: $path"
case $path in
  succeed | diverge) cp "$FAKE_RESULTS/$attempt.json" result.json ;;
  # The GPU that is named here is broken.
  fault-on*) case $CUDA_VISIBLE_DEVICES in *"${path#fault-on }"*) exit 67 ;; esac; cp "$FAKE_RESULTS/$attempt.json" result.json ;;
  exit*) exit "${path#exit }" ;;
  count*) i=0; while [ $i -lt "${path#count }" ]; do i=$((i + 1)); echo "line $i"; sleep 0.02; done ;;
  run) trap 'exit 75' TERM; while :; do sleep 0.05; done ;;
  ignore-stop) trap '' TERM; while :; do sleep 0.05; done ;;
  # The first process of a container cannot kill itself: it ends with the code that a killed one has.
  killed) kill -KILL $$; exit 137 ;;
esac
