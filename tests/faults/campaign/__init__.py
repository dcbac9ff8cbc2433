"""The kill campaign: a mix of pipelines runs while its server and workers are killed, and ends as if nothing had been.

- `mix`: the pipelines; each task signs what it does outside of the server's home.
- `points`: where a server can be made to end; `serve`: the entry point that understands them.
- `mortal`: such a server, and the processes of its home.
- `cases`: what somebody asks for about a run; `story`: what became of it, from rows and signatures.
- `driver`: the campaign; `run`: all of it, `make campaign`.
"""
