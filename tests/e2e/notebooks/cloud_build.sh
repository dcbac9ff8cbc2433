# The notebook about the build: submit it, look at what it made, list builds. Values come from the environment.
set -eu
eval "$GCLOUD builds submit --no-source --timeout=60m --config build/pipeline-deployment.yaml \
  --machine-type=e2-highcpu-8 --substitutions $SUBSTITUTIONS"
$GCLOUD builds list --limit 1
$STORAGE ls "$PIPELINE_ROOT/"
