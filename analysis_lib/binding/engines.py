"""Where work is done: in processes of this machine, or on an existing distributed engine (dask.distributed).

Whatever runs chapters takes an executor and submits to it; which one it is, changes nothing else. On an
engine the scheduler gives the work of a worker that was lost to another one. A chapter writes each file
whole, so whoever comes second replaces the first and nothing is doubled.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis_lib.binding import kernels
from analysis_lib.binding.outcome import BuildError
from analysis_lib.files import replacing
from analysis_lib.files.digest import digest_of, digests
from analysis_lib.files.places import LIBRARY, NOTEBOOKS

if TYPE_CHECKING:
    from distributed import Client

LOCAL = "local"
PATIENCE = "20s"  # how long a scheduler may take to answer


@contextlib.contextmanager
def executor(where: str, jobs: int, shared: Iterable[Path] = ()) -> Iterator[Executor]:
    """What takes work and does it, some of it at a time.

    Parameters
    ----------
    where : str
        ``local``; or ``dask:ADDRESS``, the address of an engine's scheduler; or ``dask``, an engine that is
        started on this machine and ends with the work.
    jobs : int
        How much is done at a time in processes of this machine; an engine has as many workers as it has.
    shared : iterable of Path
        Files and folders that every worker must see: what is read, and where the work is written.

    Raises
    ------
    BuildError
        If the engine cannot be had, or one of its workers could not do the work as this machine would.
    """
    kind, _, address = where.partition(":")
    if kind == LOCAL:
        with ProcessPoolExecutor(jobs, initializer=replacing.end_with, initargs=(os.getpid(),)) as pool:
            yield pool
        return
    with _engine(address, jobs) as client:
        from distributed import KilledWorker

        seen = [str(path) for path in shared]
        _check_workers(client, seen)
        try:
            yield OnEngine(client.get_executor(pure=False), library(), seen)
        except KilledWorker as error:
            raise BuildError(
                f"The same work ended several workers, so it was given up: {error}. Give workers more memory."
            ) from None


@contextlib.contextmanager
def _engine(address: str, jobs: int) -> Iterator[Client]:
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        raise BuildError(
            "The executor dask needs the package distributed, which is not installed. Install it: "
            "pip install 'salvage-book[distributed]'."
        ) from None
    with contextlib.ExitStack() as stack:
        if not address:
            ours = LocalCluster(n_workers=jobs, threads_per_worker=1, dashboard_address=None)
            address = stack.enter_context(ours).scheduler_address
        try:
            yield stack.enter_context(Client(address, timeout=PATIENCE))
        except (OSError, ValueError) as error:
            raise BuildError(f"There is no dask scheduler at {address} ({error}).") from None


class OnEngine(Executor):
    """Work given to the workers of an engine, each of which first sees that it can do it."""

    def __init__(self, of_client: Executor, ours: str, shared: list[str]):
        self._of_client, self._ours, self._shared = of_client, ours, shared

    def submit(self, work: Callable, /, *given: Any, **options: Any) -> Future:
        """Have ``work(*given, **options)`` done by one of the workers."""
        return self._of_client.submit(on_worker, self._ours, self._shared, work, given, options)


def on_worker(ours: str, shared: list[str], work: Callable, given: tuple, options: dict) -> Any:
    """Do some work here, on a worker: with its own kernels forked, if this is the same program and the same
    disk.
    """
    if reason := why_not(ours, shared):
        raise BuildError(f"A worker cannot do the work: {reason}")
    kernels.fork_all()
    return work(*given, **options)


def why_not(ours: str, shared: list[str]) -> str:
    """Why this process, a worker, cannot do the work of one whose library has the digest ``ours``."""
    if library() != ours:
        return "its notebooks or its modules of analysis_lib are others. Install the same version everywhere."
    if unseen := [path for path in shared if not Path(path).exists()]:
        return f"it does not see {unseen[0]}. All workers need the disk with the cohorts and the book."
    return ""


@functools.cache
def library() -> str:
    """A digest of the program that this process runs."""
    parts = ((NOTEBOOKS, NOTEBOOKS.glob("*.py")), (LIBRARY, LIBRARY.rglob("*.py")))
    named = {path.relative_to(of).as_posix(): path for of, paths in parts for path in paths}
    return digest_of(digests(named))


def _check_workers(client: Client, shared: list[str]) -> None:
    """Refuse an engine before it is given any work, if its workers could not do it."""
    threads = client.nthreads()
    if any(number > 1 for number in threads.values()):
        raise BuildError(
            "A worker of this engine has several threads, and a process runs one chapter at a time. Start "
            "the workers with --nthreads 1, and as many of them as there are cores."
        )
    if reason := next(filter(None, client.run(why_not, library(), shared).values()), ""):
        raise BuildError(f"A worker cannot do the work: {reason}")
