"""Addresses as they are written for people: without the user names and passwords that some carry. Pure."""

import re

_CREDENTIALS = re.compile(r"//(?!git@)[^/\s\"'<>?#]+@")  # git@: how every host calls whoever comes by SSH


def hide(text: str) -> str:
    """Replace user name and password of every address in a text."""
    return _CREDENTIALS.sub("//***@", text) if "@" in text else text
