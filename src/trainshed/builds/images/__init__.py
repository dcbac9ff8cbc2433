"""Images without a container engine: an environment and a snapshot of files stand for each.

`builders`: what well-known image names mean; `dockerfile`: text → recipe; both pure. `snapshots`: a recipe carried out.
`docker`: the commands that build configs use.
"""
