"""Topics whose verbs wait for their answers, as tests want them; servers must not wait where these would."""

from trainshed import topics
from trainshed.topics.model import UNBOUNDED


class Service(topics.Service):
    def pull(self, name, *, max_messages):
        room = topics.Room(messages=max_messages, byte_count=UNBOUNDED)
        return self.begin_pull(name, room=room).result().deliveries

    def acknowledge(self, name, ack_ids):
        return topics.refuse_failed(self.begin_acknowledge(name, ack_ids).result())

    def modify_ack_deadline(self, name, ack_ids, seconds):
        return topics.refuse_failed(self.begin_modify(name, ack_ids, seconds).result())
