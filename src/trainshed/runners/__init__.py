"""Where tasks run. `contract` is the protocol every runner keeps; `exercise` is its conformance suite.

- `contract`: Launch, the outcomes, Runner.
- `exercise`: one suite for every implementation, fakes included.
- `stage`: what the suite plays on: a runner, gates, user code.
- `scripted`: a runner that does what a test tells it to, and checks its caller.
- `process`: warm worker processes on this machine.
- `containers`: attempts in a container engine.
- `dispatch`: each launch to the runner that it belongs to.
- `foreground`: chosen tasks at the terminal, under a debugger.
- `machine`: processors and accelerators that attempts are given.
- `translation`: from the contract's terms to those of workers, and back.
"""
