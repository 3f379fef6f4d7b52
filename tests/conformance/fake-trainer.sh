# Stands in for the trainer where the runner is what is tested: does what the request's model path says.
request=$2
path=$(sed 's/.*"path":"fake:\([^"]*\)".*/\1/' "$request")
attempt=$(sed 's/.*"attemptId":"\([^"]*\)".*/\1/' "$request")
echo started >> starts
echo "asked to: $path"
case $path in
  succeed | diverge) cp "$FAKE_RESULTS/$attempt.json" result.json ;;
  exit*) exit "${path#exit }" ;;
  run) trap 'exit 75' TERM; while :; do sleep 0.05; done ;;
  ignore-stop) trap '' TERM; while :; do sleep 0.05; done ;;
  killed) kill -KILL $$ ;;
esac
