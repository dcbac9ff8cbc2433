"""Trainshed: model training as a CI/CD system, whole, on one machine."""

__version__ = "0.1.0.dev0"
