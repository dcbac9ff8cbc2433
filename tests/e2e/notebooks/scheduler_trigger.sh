# The notebook about schedules, first way. The body is JSON that json.dumps has made a JSON string of, for the shell.
set -eu
eval "$GCLOUD scheduler jobs create pubsub $JOB --schedule '*/3 * * * *' --topic $TOPIC \
  --message-body $BODY"
$GCLOUD scheduler jobs run "$JOB"
