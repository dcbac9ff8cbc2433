"""Who waits for a change is woken by a change, and by nothing else."""

from trainshed.sql import changes
from trainshed.topics import Options, PubsubMessage, Service, store

TOPIC = "projects/p/topics/told"
SUBSCRIPTION = "projects/p/subscriptions/waiting"


def test_transitions_of_many_wake_whoever_waits_for_them_only_where_some_took_place(db, clock):
    topics = Service(db, clock)
    topics.create_topic(TOPIC)
    key = topics.create_subscription(SUBSCRIPTION, TOPIC, Options()).subscription_id
    topics.publish(TOPIC, [PubsubMessage(data=b"one")])
    heard = []
    leave = db.listen(changes("delivery"), lambda: heard.append("woken"))

    def took(name, ids):
        heard.clear()
        now = clock.now()
        count = db.write(lambda conn: store.transit(conn, key, ids, name, now=now, due_time=now))
        return count, len(heard)

    def abandoned():
        heard.clear()
        count = db.write(lambda conn: store.abandon_outstanding(conn, [key], now=clock.now()))
        return count, len(heard)

    assert took("nack", [1]) == (0, 0)  # nobody has it
    assert abandoned() == (0, 0)
    assert took("lease", [1, 2, 3]) == (1, 1)
    assert abandoned() == (1, 1)
    leave()
