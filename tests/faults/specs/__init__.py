"""A campaign of broken specs."""
