"""Attempts in a container engine.

- `runner`: what the contract asks for. `making`: a container made and started. `watching`: it is seen to its end.
- `engines`: the engine's command line. `confinement`: what a container gets of this machine.
- `attempts`: what is known of an attempt, and how it ended. `following`: its log. `usage`: what it uses.
- `keeper`: looks after containers that no server holds; `holding` is how the server tells it of its life.
"""
