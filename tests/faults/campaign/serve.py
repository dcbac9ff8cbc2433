"""`trainshed`, for tests: a server that ends where the variable says. Nothing else understands that variable."""

import os
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from campaign import points

    wanted = os.environ.pop(points.VARIABLE, "")
    if wanted:
        points.arm(wanted)
    from trainshed.cli import main

    main()
