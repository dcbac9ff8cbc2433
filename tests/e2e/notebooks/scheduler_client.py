"""The notebook about schedules, second way: a client made from the key file of a service account."""

import json
import os
import sys

from google.cloud import scheduler_v1
from google.cloud.scheduler_v1.types.cloudscheduler import CreateJobRequest
from google.cloud.scheduler_v1.types.job import Job
from google.cloud.scheduler_v1.types.target import PubsubTarget

PARENT = "projects/local-project/locations/us-central1"
body = json.dumps({"num_epochs": "5", "learning_rate": "1e-3"})

client = scheduler_v1.CloudSchedulerClient.from_service_account_json(os.environ["GOOGLE_APPLICATION_CREDENTIALS"])
target = PubsubTarget(topic_name=f"projects/local-project/topics/{os.environ['TOPIC']}", data=body.encode("utf-8"))
job = Job(name=f"{PARENT}/jobs/{os.environ['JOB']}", pubsub_target=target, schedule="*/3 * * * *")
made = client.create_job(CreateJobRequest(parent=PARENT, job=job))
client.run_job(name=made.name)
sys.stdout.write(json.dumps({"name": made.name, "state": made.state.name}))
