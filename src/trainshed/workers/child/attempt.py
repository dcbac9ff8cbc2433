"""What a forked child does with its order: become an isolated process, run the work, end without our leftovers."""

import atexit
import faulthandler
import importlib
import importlib.util
import json
import logging
import os
import select
import signal
import sys
import threading
import traceback
import types
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NoReturn, Optional

from . import processes
from .preload import Observer, Shelf

_KFP = ("kfp.dsl", "kfp.components", "kfp.v2.components")  # where KFP keeps its executor: now, before 2.1, in 1.8
_LOG_FORMAT = "[KFP Executor %(asctime)s %(levelname)s]: %(message)s"
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_MAX_THREADS")
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGPIPE, signal.SIGHUP)
_CANNOT_RUN = 127
_REHEARSAL = """import kfp
from kfp import dsl
from kfp.dsl import *
from typing import *

def nothing(text: str) -> str:
    return text
"""
_EPHEMERAL = "ephemeral_component"  # the module that KFP's launcher would write the source to
_HERE = os.path.dirname(os.path.abspath(__file__))
_OOM_SCORE = "500"  # when the machine runs out of memory, the kernel ends a task rather than a server
_prefix = ""  # package of KFP's executor, once imported


def import_executor() -> str:
    """Import KFP's executor, in the parent, so that children have it; answer where it is, "" without KFP."""
    global _prefix  # noqa: PLW0603  (inherited by every child: that is the point)
    for package in _KFP:
        with suppress(ImportError):
            importlib.import_module(f"{package}.executor")
            importlib.import_module(f"{package}.types.artifact_types")
            importlib.import_module(f"{package}.utils")
            _prefix = package
            break
    return _prefix


def detach(parent: int) -> None:
    """Become a process of its own, in this freshly forked one, as every order needs it."""
    os.setsid()
    processes.die_with_parent(parent)
    processes.adopt_orphans()
    signal.set_wakeup_fd(-1)
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write(_OOM_SCORE)
    null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    os.dup2(null, 0)


def prepare(parent: int) -> None:
    """Do ahead what an order will need, whichever comes; nothing in it depends on variables."""
    detach(parent)
    if _prefix:
        _furnish()
        with suppress(Exception):  # whatever keeps a rehearsal from going on is no matter
            _rehearse()


def _rehearse() -> None:
    """Run a component that does nothing, so that the memory which every component touches is this process's own."""
    module = types.ModuleType(_EPHEMERAL)
    exec(compile(_REHEARSAL, _EPHEMERAL, "exec", dont_inherit=True), module.__dict__)  # noqa: S102
    given = {"inputs": {"parameterValues": {"text": ""}}, "outputs": {"outputFile": os.devnull}}
    executor = importlib.import_module(f"{_prefix}.executor")
    executor.Executor(executor_input=json.loads(json.dumps(given)), function_to_execute=module.nothing).execute()


def run(order: dict[str, Any], log: int, *, shelf: Shelf, lessons: int) -> NoReturn:
    """Run an order in this detached process; what it imports is told to `lessons`. Never returns."""
    code = 1
    try:
        _take_place(order, log)
        if order["arguments"]:
            execute(order["arguments"])
        given = dict(os.environ)
        if not shelf.fits(given, _import_folders(order)):
            _start_over(order, given)
        shelf.start_over = lambda wrong: _surprised(order, given, wrong, lessons)
        sys.meta_path.insert(0, Observer(given, lambda lesson: _tell(lessons, {"frameworks": lesson})))
        code = _guard(lambda: run_component(order))
    except BaseException:  # noqa: BLE001  (told in the log; the parent sees the code)
        traceback.print_exc()
    finally:
        _end(code)


def run_fresh(order: dict[str, Any]) -> NoReturn:
    """Run an order in this process, which is isolated already, with nothing imported ahead. Never returns."""
    finish(lambda: run_component(order))


def finish(work: Callable[[], None]) -> NoReturn:
    """Do the work of this process, with signals as at the start of an interpreter, and end. Never returns."""
    code = 1
    try:
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        code = _guard(work)
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
    finally:
        _end(code)


def _start_over(order: dict[str, Any], environ: dict[str, str]) -> NoReturn:
    """Become a fresh interpreter that runs the order: same process, same limits, same log."""
    handle = os.memfd_create("order", 0)
    with os.fdopen(handle, "wb", closefd=False) as file:
        file.write(json.dumps(order).encode())
    start = os.path.join(_HERE, "start.py")
    os.chdir(order["folder"])
    os.execve(sys.executable, [sys.executable, start, "--order", str(handle)], environ)  # noqa: S606


def _surprised(order: dict[str, Any], given: dict[str, str], wrong: Sequence[str], lessons: int) -> None:
    """Start over, since the code set variables before an import that had been made without them."""
    print(f"Starting over without {', '.join(wrong)} imported ahead: variables that they read were set since.")  # noqa: T201
    sys.stdout.flush()
    sys.stderr.flush()
    _tell(lessons, {"banned": list(wrong)})
    _start_over(order, given)


def _tell(lessons: int, what: dict[str, Any]) -> None:
    """Say something to the fork server in one write, which is not torn; it is no matter when it gets lost."""
    line = json.dumps(what).encode() + b"\n"
    if any(what.values()) and len(line) <= select.PIPE_BUF:
        with suppress(OSError):
            os.write(lessons, line)


def _import_folders(order: dict[str, Any]) -> list[str]:
    """Answer what the order adds to sys.path."""
    return [folder for folder in order["variables"].get("PYTHONPATH", "").split(os.pathsep) if folder]


def _take_place(order: dict[str, Any], log: int) -> None:
    """Go where the order says, with its log, its variables and its share of the machine."""
    for target in (1, 2):
        os.dup2(log, target)
    go_to(order)
    os.environ.update(order["variables"])
    os.environ["TRAINSHED_ATTEMPT"] = f"{order['task_id']}@{order['attempt']}"
    if order["cores"]:
        with suppress(OSError):  # some of them are not ours any more
            os.sched_setaffinity(0, order["cores"])
    if order["cpus"]:
        for name in _THREADS:
            os.environ.setdefault(name, str(max(1, min(int(order["cpus"]), len(os.sched_getaffinity(0))))))


def go_to(order: dict[str, Any]) -> None:
    """Go to the attempt's folder, and make the one for its outputs: it is what `dsl.get_uri()` answers."""
    os.chdir(order["folder"])
    os.makedirs(os.path.dirname(order["output_file"]), exist_ok=True)


def execute(arguments: list[str]) -> NoReturn:
    """Become a command; where that cannot be, end as a shell would."""
    os.environ.setdefault("PYTHONUNBUFFERED", "1")  # a log is read while it grows
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        os.execvp(arguments[0], arguments)  # noqa: S606  (no shell: the command is the user's, verbatim)
    except OSError as error:
        os.write(2, f"{arguments[0]}: {error.strerror}\n".encode())
        os._exit(_CANNOT_RUN)


def _furnish() -> None:
    """Make this process what a Python component expects, whatever its order."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    logging.basicConfig(stream=sys.stdout, format=_LOG_FORMAT, level=logging.INFO)
    faulthandler.enable()
    sys.modules["__main__"] = types.ModuleType("__main__")  # ours would be run again by multiprocessing's spawn
    sys.argv = ["executor_main"]


def run_component(order: dict[str, Any], wrap: Callable[[Any], Any] = lambda function: function) -> None:
    """Do what KFP's `executor_main` does, with its own parts, already imported."""
    prefix = _prefix or import_executor() or _KFP[0]
    executor = importlib.import_module(f"{prefix}.executor")
    _point_at(order["mount"], importlib.import_module(f"{prefix}.types.artifact_types"))
    if sys.argv != ["executor_main"]:
        _furnish()
    _reseed()
    added = _import_folders(order)  # read by an interpreter when it starts, and ours may have started without
    sys.path[:] = [*added, *(folder for folder in sys.path if folder not in added)]
    folder, name = os.path.split(path_of(order))
    if order["module"]:
        _complete(prefix)
        utils = importlib.import_module(f"{prefix}.utils")
        module = utils.load_module(module_name=name[: -len(".py")], module_directory=folder)
    else:
        module = _load(path_of(order), order["source"])
    function = wrap(getattr(module, order["function"]))
    executor.Executor(executor_input=json.loads(order["executor_input"]), function_to_execute=function).execute()


def _complete(prefix: str) -> None:
    """Give KFP what it leaves out for lightweight components: a module in an image decorates its functions itself."""
    if os.environ.pop("_KFP_RUNTIME", "") == "true" and not hasattr(sys.modules[prefix], "component"):
        with suppress(ImportError):  # KFP without its dependencies; the module may do without decorators
            importlib.reload(sys.modules[prefix])


def path_of(order: dict[str, Any]) -> str:
    """Answer the file of a component's code."""
    return order["module"] or os.path.join(order["folder"], f"{_EPHEMERAL}.py")


def _load(path: str, source: str) -> types.ModuleType:
    """Make a module of an order's source, in a real file as tracebacks and `inspect` want it; nothing is cached beside."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(source)
    spec = importlib.util.spec_from_file_location(_EPHEMERAL, path)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[_EPHEMERAL] = module
    sys.path.insert(0, os.path.dirname(path))
    exec(compile(source, path, "exec", dont_inherit=True), module.__dict__)  # noqa: S102  (what it is for)
    return module


def _point_at(mount: str, artifact_types: Any) -> None:
    """Let URIs of object stores be paths below the attempt's mount."""
    for store, folder in (("GCS", ""), ("MINIO", ".minio/"), ("S3", ".s3/"), ("OCI", ".oci/")):
        if hasattr(artifact_types, f"_{store}_LOCAL_MOUNT_PREFIX"):
            setattr(artifact_types, f"_{store}_LOCAL_MOUNT_PREFIX", f"{mount}/{folder}")


def _reseed() -> None:
    """Give this process random numbers of its own; `random` does so by itself after a fork."""
    numpy = sys.modules.get("numpy")
    if numpy is not None and hasattr(numpy, "random"):
        numpy.random.seed()


def _guard(work: Callable[[], None]) -> int:
    """Run the work and answer the exit code that Python would have ended with."""
    try:
        work()
    except SystemExit as error:
        if error.code is None or isinstance(error.code, int):
            return (error.code or 0) & 0xFF
        sys.stderr.write(f"{error.code}\n")
        return 1
    except BaseException as error:  # noqa: BLE001  (whatever the user's code raises is its outcome)
        sys.stdout.flush()
        trace = beyond_ours(error.__traceback__)
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        return 1
    return 0


def beyond_ours(trace: Optional[types.TracebackType]) -> Optional[types.TracebackType]:  # noqa: UP045
    """Answer a traceback from the first frame that is not ours: ours tell the user nothing."""
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_HERE):
        trace = trace.tb_next
    return trace


def _end(code: int) -> NoReturn:
    """End as an interpreter does, but for the parent's leftovers: threads, atexit, buffers, gone."""
    try:
        threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001  (what the interpreter itself calls)
        atexit._run_exitfuncs()  # noqa: SLF001
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
    finally:
        os._exit(code)
