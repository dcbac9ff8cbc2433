"""Content-addressed Python environments, and which container images stand for which environment.

- `model`: Environment, Binding.
- `requirements`: requirement lines, checked and normalised; the digest that an environment is known by.
- `images`: image names and the patterns that match them.
- `build`: one environment on disk, complete or not at all, by uv.
- `store`: the table of image bindings.
- `service`: Environments, the outside face.
"""

from trainshed.environments.model import Binding, Environment
from trainshed.environments.requirements import read_requirements
from trainshed.environments.service import Environments

__all__ = ["Binding", "Environment", "Environments", "read_requirements"]
