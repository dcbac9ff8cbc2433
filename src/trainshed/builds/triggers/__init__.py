"""Build triggers: what starts a build other than a person. One event, one receipt, at most one build.

Decisions, no I/O: `rules` (Google's document of a trigger: what it watches, which pushes build), `planner` (the cheapest
way for a set of changed files) with `planning` (for a trigger's push), `payload` (what a trigger takes from an event),
`cel` (its filter), `webhooks` (push events as git hosts post them), `workflows` (GitHub Actions → a trigger).

Doing: `store` and `service` (the verbs), `triggered` (the build of any event), `pushes` (the look at a watched
repository), `hooks` (of git hosts: look now), `loop` (the duty: look again and again), `events` (messages and webhooks).
"""
