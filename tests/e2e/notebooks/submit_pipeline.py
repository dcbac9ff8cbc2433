"""The notebook's last cell: submit the compiled pipeline with values of this run."""

import os
import sys

from google.cloud import aiplatform

job = aiplatform.PipelineJob(
    display_name="from-notebook",
    template_path=os.environ["SPEC"],
    parameter_values={"num_epochs": 3, "learning_rate": 0.01},
    enable_caching=True,
    project="local-project",
    location="us-central1",
)
job.submit()
sys.stdout.write(job.resource_name)
