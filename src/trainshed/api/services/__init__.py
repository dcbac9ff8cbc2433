"""The servicers, one module per Google service. They hold no product rule; see the docstring of `trainshed.api`."""
