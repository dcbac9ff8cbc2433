"""What work leaves behind: buckets and their objects, artifacts and their lineage, models.

- `buckets`: buckets, folders, objects. `content`: what an object contains, and its bytes. `preview`: of the first of them. Pure.
- `recorded`: artifacts of lineage. `tracing`: where something comes from and what came of it; `ways`: as a graph. Pure.
- `origin`: the commit and the data behind a run.
- `models`: versions, what is live, rollback.
"""
