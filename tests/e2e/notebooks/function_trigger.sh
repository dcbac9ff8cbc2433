# The notebook about events: a topic, and a function that is called for each of its messages.
set -eu
$GCLOUD pubsub topics create "$TOPIC"
ENV_VARS="PROJECT=local-project,REGION=us-central1,GCS_PIPELINE_FILE_LOCATION=$SPEC"
$GCLOUD functions deploy "$FUNCTION" --region=us-central1 --trigger-topic="$TOPIC" --runtime=python37 \
  --source="$SOURCE" --entry-point=trigger_pipeline --stage-bucket="$STAGE_BUCKET" --update-env-vars="$ENV_VARS"
