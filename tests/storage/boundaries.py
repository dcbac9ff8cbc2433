"""Processes that end without a trace at a chosen touch of the file system."""

import itertools
import os
from pathlib import Path


def end_at(boundary):
    """Let this process end with 9 at its Nth touch of the file system, counted from here."""
    left = itertools.count(1)

    def ending(call):
        def counted(*arguments, **options):
            if next(left) == boundary:
                os._exit(9)
            return call(*arguments, **options)

        return counted

    os.fsync, os.link = ending(os.fsync), ending(os.link)
    Path.replace, Path.mkdir = ending(Path.replace), ending(Path.mkdir)
