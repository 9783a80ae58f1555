"""The warm process: it imports libraries once, then forks a Jupyter kernel for each request.

:mod:`analysis_lib.binding.kernels` runs this file as a script, ``python warm.py FD PARENT MODULE
...``, where PARENT is the process that started it. What an import would have done differently inside a
kernel is put right, so that a notebook cannot tell a forked kernel from a fresh one.

By itself it imports nothing of the project whose notebooks run: a module that lived on here would be stale in
the next kernel. A build asks for more (:class:`Ready`): its own modules, and what each kernel would read
again. A kernel looks whether their files are as they were, and otherwise forgets all of it.
"""

from __future__ import annotations

import builtins
import contextlib
import ctypes
import gc
import importlib
import importlib.util
import io
import json
import os
import select
import signal
import socket
import sys
import warnings
from collections.abc import Iterator
from types import SimpleNamespace

INLINE = "module://matplotlib_inline.backend_inline"
PR_SET_PDEATHSIG = 1  # Linux, prctl(2)
LARGEST = 1 << 20  # bytes of a request; a socket refuses to send more than about 200,000
LOOK_ROUND = 0.1  # seconds between two looks at whether a kernel, or whoever started us, has ended


def main() -> None:
    """Import the modules named on the command line and serve; in a fork, be the kernel."""
    here = os.path.dirname(os.path.realpath(__file__))
    sys.path[:] = [place for place in sys.path if not place or os.path.realpath(place) != here]
    channel, parent = socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2])
    known, given = list(warnings.filters), dict(os.environ)
    load(sys.argv[3:], parent)
    filters = [each for each in warnings.filters if each not in known]
    variables = {
        name: value for name, value in os.environ.items() if name not in given and name != "MPLBACKEND"
    }
    keep_shared()
    ready = Ready()
    if request := serve(channel, parent, ready):
        warnings.filters[:] = known  # type: ignore[index]  # a list, though typeshed promises only a sequence
        ready.forget_what_changed()
        run_kernel(request, filters, variables)


def keep_shared() -> None:
    """A kernel's garbage collector leaves alone what is here by now, so that its memory stays shared."""
    gc.collect()
    gc.freeze()


def load(modules: list[str], parent: int) -> None:
    """Import what is there, as if in a kernel: matplotlib and pandas ask, while they are imported, where they
    are. On a busy machine that takes long, so we end if the parent does meanwhile.
    """
    # a name only: the backend, loaded before the kernel, would show nothing
    os.environ.setdefault("MPLBACKEND", INLINE)
    builtins.get_ipython = lambda: SimpleNamespace(kernel=None)  # type: ignore[attr-defined]  # as IPython does
    try:
        # a kernel's spelling, which pandas keeps
        with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO(), "UTF-8")):
            for name in modules:
                if os.getppid() != parent:
                    os._exit(1)
                # an extra that is not installed; a notebook that wants it says so
                with contextlib.suppress(ImportError):
                    importlib.import_module(name)
    finally:
        del builtins.get_ipython  # type: ignore[attr-defined]  # as IPython does
        forget("matplotlib_inline")  # it ties matplotlib to the kernel at the moment it is imported


def forget(package: str) -> None:
    """Have a package imported anew by whoever wants it."""
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[name]


class Ready:
    """What a build had made ready here, and how its files were before."""

    def __init__(self) -> None:
        self.packages: set[str] = set()
        self.files: dict[str, tuple[int, int]] = {}

    def make(self, asked: dict, parent: int) -> None:
        """Import ``modules``, then do the ``calls``, each a module, a function and what it is given: all of
        it made from what is below ``places``. What cannot be done is left to the kernel, which says why.
        """
        self.packages |= {name.partition(".")[0] for name in asked["modules"]}
        self.files = {path: seen(path) for place in asked["places"] for path in below(place)} | self.files
        with contextlib.suppress(Exception):  # a mistake in a module: whoever imports it is told
            load(asked["modules"], parent)
        for module, function, *given in asked["calls"]:
            with contextlib.suppress(Exception), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                getattr(sys.modules[module], function)(*given)
        keep_shared()

    def forget_what_changed(self) -> None:
        """In a kernel: if any of the files is not as it was, have everything imported and read anew."""
        if any(seen(path) != before for path, before in self.files.items()):
            for package in self.packages:
                forget(package)


def below(place: str) -> Iterator[str]:
    """A file, or the files of a folder that is no cache of Python's."""
    if os.path.isfile(place):
        yield place
    for folder, folders, files in os.walk(place):
        folders[:] = [name for name in folders if name != "__pycache__"]
        yield from (os.path.join(folder, name) for name in files)


def seen(path: str) -> tuple[int, int]:
    """When a file was written last, and how long it is; of none, nothing."""
    try:
        told = os.stat(path)
    except OSError:
        return (0, -1)
    return (told.st_mtime_ns, told.st_size)


def serve(channel: socket.socket, parent: int, ready: Ready) -> dict | None:
    """Fork a kernel for each request on the channel; returns the request in the kernel, and ``None`` here at
    the end.

    What is asked without files is to be made ready (:meth:`Ready.make`). A request for a kernel is the JSON
    of ``argv``, ``cwd`` and ``env``, with four open files: the kernel's standard streams, and a line on which
    its process id and, later, its exit code are told. A kernel whose line is
    closed at the other end is killed; when our parent ends, however that happened, all are. A closed channel
    means that no request will come any more.
    """
    taking = True
    lines: dict[int, socket.socket] = {}
    while taking or lines:
        spoken = select.select([*lines.values(), *([channel] if taking else [])], [], [], LOOK_ROUND)[0]
        if os.getppid() != parent:
            break
        for pid in [pid for pid, line in lines.items() if line in spoken]:
            kill(pid)
        if channel in spoken:
            message, files, *_ = socket.recv_fds(channel, LARGEST, 4)
            taking = bool(message)
            if taking and not files:
                ready.make(json.loads(message), parent)
            elif taking:
                pid = os.fork()
                if not pid:
                    for other in (channel, *lines.values()):
                        other.close()
                    os.close(files[3])
                    return json.loads(message) | {"streams": files[:3]}
                lines[pid] = socket.socket(fileno=files[3])
                tell(lines[pid], pid)
                for stream in files[:3]:
                    os.close(stream)
        bury(lines)
    for pid in lines:
        kill(pid)
    return None


def bury(lines: dict[int, socket.socket]) -> None:
    """Tell on their lines how the kernels ended that have."""
    while lines:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            break
        line = lines.pop(pid)
        tell(line, os.waitstatus_to_exitcode(status))
        line.close()


def tell(line: socket.socket, number: int) -> None:
    """Send a number, if anyone still listens."""
    try:
        line.send(str(number).encode())
    except OSError:
        pass


def kill(pid: int) -> None:
    """Kill a kernel that we have not buried, and the processes it started; it may not lead a group of its own
    yet.
    """
    for end in (os.killpg, os.kill):
        try:
            end(pid, signal.SIGKILL)
            return
        except ProcessLookupError:
            pass


def run_kernel(request: dict, filters: list, variables: dict[str, str]) -> None:
    """Be the kernel that was asked for, with the warning filters and variables that libraries set while
    imported.
    """
    server = os.getppid()
    os.setsid()  # an interrupt goes to the kernel and what it started
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != server:
        os._exit(1)
    for place, stream in enumerate(request["streams"]):
        os.dup2(stream, place)
        os.close(stream)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(variables | request["env"] | {"JPY_PARENT_PID": str(server)})
    launcher = importlib.util.find_spec("ipykernel_launcher")
    assert launcher and launcher.origin  # the kernels of this environment start with it
    sys.argv = [launcher.origin, *request["argv"][3:]]
    sys.orig_argv[:] = request["argv"]
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()  # fresh for each kernel, as Python's own generator is after a fork
    from ipykernel.kernelapp import IPKernelApp

    app = IPKernelApp.instance(parent_handle=server)
    app.initialize()
    new = [each for each in filters if each not in warnings.filters]
    warnings.filters[:0] = new  # type: ignore[index]  # a list, though typeshed promises only a sequence
    warnings._filters_mutated()  # type: ignore[attr-defined]  # there is no public way to say so
    app.start()


if __name__ == "__main__":
    main()
