"""Entry point of the fork server, run by path: become a daemon, load the package beside us, serve."""

import importlib
import importlib.util
import json
import os
import sys
from pathlib import Path

PACKAGE = "_trainshed_worker"


def load() -> None:
    """Load our folder as a package whose name no user takes, and leave sys.path as the environment made it."""
    here = Path(__file__).resolve().parent
    sys.path[:] = [p for p in sys.path if not p or Path(p).resolve() != here]
    spec = importlib.util.spec_from_file_location(PACKAGE, here / "__init__.py", submodule_search_locations=[str(here)])
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = module
    spec.loader.exec_module(module)


def main() -> None:
    """Detach from whoever started us; the first line on stdout says how it went. Or run the one order handed in."""
    if sys.argv[1] in ("--order", "--foreground"):
        with os.fdopen(int(sys.argv[2]), "rb") as file:
            file.seek(0)
            order = json.load(file)
        load()
        if sys.argv[1] == "--foreground":
            importlib.import_module(f"{PACKAGE}.foreground").run(order, int(sys.argv[3]))
        importlib.import_module(f"{PACKAGE}.attempt").run_fresh(order)
    if os.fork():
        os._exit(0)
    os.setsid()
    load()
    server = importlib.import_module(f"{PACKAGE}.server")
    options = json.loads(sys.argv[1])
    if options["learned"]:
        print(json.dumps({"importing": os.getpid()}), flush=True)  # noqa: T201  (so that it can be told to end)
    try:
        serving = server.Server(**options)
    except Exception as error:  # noqa: BLE001  (told to whoever waits for the line, then ended)
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}), flush=True)  # noqa: T201  (the answer)
        os._exit(1)
    print(json.dumps({"pid": os.getpid()}), flush=True)  # noqa: T201
    os.dup2(2, 1)
    serving.run()


if __name__ == "__main__":
    main()
