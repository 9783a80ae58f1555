"""Kernels that are forked from a warm process, so that libraries are imported once and not in each of them.

A Jupyter kernel provisioner, ``forked`` (an entry point in pyproject.toml): whatever starts a ``python3``
kernel through jupyter_client gets a forked one while :func:`forked` lasts, or where the environment says
``JUPYTER_DEFAULT_PROVISIONER_NAME=forked`` (nbval, nbconvert, ``jupyter-book build``). Otherwise, as in
JupyterLab, nothing changes. A forked kernel has its own process, streams, ports and environment; nothing
listens that would not otherwise.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import IO, Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner

NAME = "forked"
CHOICE = KernelProvisionerFactory.default_provisioner_name_env
WARM = Path(__file__).with_name("warm.py")
PATIENCE = 120  # seconds that the imports of the warm process may take on a slow disk
# What chapters pull in, the kernel's own first. A test sees that none is missing.
PRELOADED = (
    "ipykernel.kernelapp",
    "ipykernel.zmqshell",
    "ipykernel.debugger",
    "IPython.core.completer",
    "IPython.core.pylabtools",
    "numpy",
    "pandas",
    "pandera.pandas",
    "pandera.backends.pandas.register",
    "pandera.backends.pandas.builtin_checks",
    "pyarrow.dataset",
    "pyarrow.pandas_compat",
    "pyarrow.parquet",
    "openpyxl",
    "xlrd",
    "filelock",
    "jinja2",
    "charset_normalizer",
    "yaml",
    "scipy.stats",
    "scipy.optimize",
    "lifelines",
    "greenwood",
    "firthmodels",
    "statsmodels.api",
    "statsmodels.stats.meta_analysis",
    "matplotlib.pyplot",
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_svg",
    "matplotlib.backends.backend_pdf",
    "seaborn",
)
# Of the warm process alone: a kernel's debugger, which nobody uses here, would say what it cannot do.
QUIET = {"PYDEVD_DISABLE_FILE_VALIDATION": "1"}
# Differ from kernel to kernel and mean nothing to a library while it is imported.
OF_ONE_KERNEL = ("JPY_SESSION_NAME", "JPY_PARENT_PID", "PYTEST_CURRENT_TEST", "PWD", "OLDPWD", "_")
# Set by libraries while they are imported, here as in the warm process, which may have been started before.
OF_LIBRARIES = ("KMP_DUPLICATE_LIB_OK", "KMP_INIT_AT_FORK", "PYARROW_IGNORE_TIMEZONE", "SPARK_LOCAL_IP")


def why_plain() -> str:
    """Why kernels cannot be forked here; empty if they can."""
    if not sys.platform.startswith("linux") or not hasattr(os, "fork"):
        return (
            "Kernels cannot be forked safely on this system, so each starts on its own, which takes longer."
        )
    if not entry_points(group=KernelProvisionerFactory.GROUP_NAME, name=NAME):
        return (
            "This program was installed before it could fork kernels, so each starts on its own. Install "
            "it again."
        )
    return ""


def start_early(folder: Path) -> None:
    """Have the warm process of :func:`forked` start importing already: what follows takes as long to
    import.
    """
    if not why_plain():
        _warm(_lasting(os.environ), str(folder))


@contextlib.contextmanager
def forked(folder: Path) -> Iterator[None]:
    """While it lasts, kernels that this process and its workers start are forked; where they cannot be, say
    so and go on.

    Parameters
    ----------
    folder : Path
        Where the notebooks will run. The warm process starts importing at once, beside whatever comes next.
    """
    if reason := why_plain():
        print(reason, file=sys.stderr)
        yield
        return
    factory, before = KernelProvisionerFactory.instance(), os.environ.get(CHOICE)
    default, factory.default_provisioner_name = factory.default_provisioner_name, NAME
    os.environ[CHOICE] = NAME  # for workers that are not forked from this process
    try:
        _warm(_lasting(os.environ), str(folder))
        yield
    finally:
        _warm.cache_clear()
        factory.default_provisioner_name = default
        os.environ.pop(CHOICE) if before is None else os.environ.update({CHOICE: before})


def make_ready(
    folder: Path, modules: Iterable[str], calls: Iterable[tuple[str, ...]], places: Iterable[Path]
) -> None:
    """While :func:`forked` lasts, have modules imported and functions called once for all kernels from now
    on. A kernel that finds a file changed since imports and reads everything itself.

    Parameters
    ----------
    folder : Path
        Where the notebooks will run.
    modules : iterable of str
        Modules of the project.
    calls : iterable of tuple of str
        A module, a function of it, and the texts that it is given.
    places : iterable of Path
        The files, and folders of files, that modules and results of calls are made from.
    """
    if why_plain():
        return
    asked = {"modules": list(modules), "calls": list(calls), "places": [str(place) for place in places]}
    with contextlib.suppress(OSError):  # a warm process that was killed is started again, and is not ready
        _warm(_lasting(os.environ), str(folder)).send(json.dumps(asked).encode())


def fork_all() -> None:
    """Have kernels forked that this process starts from now on, where they can be; its end is not ours."""
    if not why_plain():
        KernelProvisionerFactory.instance().default_provisioner_name = os.environ[CHOICE] = NAME


class ForkedProvisioner(LocalProvisioner):
    """Starts ``python3`` kernels by forking, any other kernel as ever."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Launch a kernel with this command; a plain one where it cannot be forked."""
        env = {name: value for name, value in kwargs.get("env", os.environ).items() if name != CHOICE}
        kernel = None
        if reason := why_plain():
            _say(reason)
        elif _can_be_forked(cmd, kwargs):
            kernel = _fork(cmd, os.path.abspath(kwargs.get("cwd") or os.getcwd()), env, kwargs)
        if kernel is None:
            return await super().launch_kernel(cmd, **kwargs | {"env": env})
        self.process = kernel  # type: ignore[assignment]  # as much of a Popen as a provisioner uses
        self.pid = self.pgid = kernel.pid
        self.cwd = kwargs.get("cwd", os.getcwd())
        return self.connection_info


class ForkedKernel:
    """A kernel's process, which is no child of ours: as much of :class:`subprocess.Popen` as a provisioner
    uses.
    """

    stdin = stdout = stderr = None

    def __init__(self, pid: int, line: socket.socket):
        self.pid, self._line = pid, line
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Exit code, or ``None`` while it runs."""
        return self._listen(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the exit code."""
        if (code := self._listen(timeout)) is None:
            raise subprocess.TimeoutExpired("kernel", timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def _listen(self, timeout: float | None) -> int | None:
        if self.returncode is None:
            self._line.settimeout(timeout)
            with contextlib.suppress(BlockingIOError, TimeoutError):
                # Silence means that the warm process was killed, and the kernel with it.
                self.returncode = _number(self._line, otherwise=-signal.SIGKILL)
                self._line.close()
        return self.returncode


# Libraries may read the environment while they are imported, so another environment needs another process.
@functools.lru_cache(maxsize=1)
def _warm(environment: frozenset, cwd: str) -> socket.socket:
    """Start a warm process; it ends with this process, or when nobody can ask it any more and its kernels
    have ended.
    """
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with its:
        subprocess.Popen(
            [sys.executable, str(WARM), str(its.fileno()), str(os.getpid()), *PRELOADED],
            pass_fds=[its.fileno()],
            cwd=cwd,
            env=dict(environment) | QUIET,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
    return ours


def _fork(cmd: list[str], cwd: str, env: dict[str, str], kwargs: dict) -> ForkedKernel | None:
    """Ask for a kernel; ``None`` if no answer comes."""
    request = json.dumps({"argv": cmd, "cwd": cwd, "env": env}).encode()
    for _ in range(2):  # a warm process that was killed is started once more
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its, open(os.devnull) as nothing:
            streams = [
                nothing.fileno(),
                _number_of(kwargs.get("stdout"), 1),
                _number_of(kwargs.get("stderr"), 2),
            ]
            with contextlib.suppress(OSError):
                socket.send_fds(_warm(_lasting(env), cwd), [request], [*streams, its.fileno()])
        ours.settimeout(PATIENCE)
        with contextlib.suppress(OSError):
            if pid := _number(ours, otherwise=0):
                return ForkedKernel(pid, ours)
        ours.close()
        _warm.cache_clear()
    return None


def _can_be_forked(cmd: list[str], kwargs: dict) -> bool:
    """Whether a command is the plain one for a kernel of this Python, in a folder that hides no library
    behind a file.
    """
    cwd, streams = Path(kwargs.get("cwd") or "."), [kwargs.get(name) for name in ("stdout", "stderr")]
    return (
        cmd[:3] == [sys.executable, "-m", "ipykernel_launcher"]
        and not kwargs.get("independent")
        and set(kwargs)
        <= {"env", "cwd", "stdin", "stdout", "stderr", "kernel_id", "extra_arguments", "independent"}
        and not any(each in (subprocess.PIPE, subprocess.STDOUT, subprocess.DEVNULL) for each in streams)
        and cwd.is_dir()
        and not any(
            (cwd / f"{name.partition('.')[0]}{end}").exists() for name in PRELOADED for end in ("", ".py")
        )
    )


def _lasting(env: Mapping[str, str]) -> frozenset:
    passing = {*OF_ONE_KERNEL, *OF_LIBRARIES, CHOICE}
    return frozenset((name, value) for name, value in env.items() if name not in passing)


def _number(line: socket.socket, otherwise: int) -> int:
    try:
        return int(line.recv(32) or otherwise)
    except ConnectionError:
        return otherwise


def _number_of(stream: IO | int | None, place: int) -> int:
    """The file descriptor of a stream as Popen takes it."""
    if stream is None:
        return place
    return stream if isinstance(stream, int) else stream.fileno()


@functools.cache
def _say(reason: str) -> None:
    print(reason, file=sys.stderr)
