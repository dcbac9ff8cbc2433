"""Artifacts: the list, one artifact, and lineage.

- `recorded`: the list, and one artifact. `tracing`: where something comes from and what came of it; `ways`: as a graph. Pure.
  `standing`: the state of an artifact.
"""
