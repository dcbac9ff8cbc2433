"""The notebook's next cell: publish hyperparameters, as bytes of JSON whose values are strings."""

import json
import os

from google.cloud import pubsub

publisher = pubsub.PublisherClient()
topic = publisher.topic_path("local-project", os.environ["TOPIC"])
message = json.dumps({"num_epochs": "2", "learning_rate": "1e-2"})
publisher.publish(topic, message.encode("utf-8")).result(timeout=60)
