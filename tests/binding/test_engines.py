"""Where work is done: an engine that could not do it as this machine would is refused before it is given any.

The book that is made on one, with a worker killed in the middle, stands in ``tests/book/test_foreign_cohorts.py``.
"""

from concurrent.futures import as_completed

import pytest
from distributed import LocalCluster

from analysis_lib.__main__ import main
from analysis_lib.binding import engines
from analysis_lib.binding.outcome import BuildError


@pytest.fixture
def patience(monkeypatch):
    monkeypatch.setattr(engines, "PATIENCE", "1s")


def test_work_is_done_on_an_engine_as_in_processes_of_this_machine(tmp_path):
    for where in ("local", "dask"):
        with engines.executor(where, 2, [tmp_path]) as pool:
            futures = {pool.submit(divmod, number, 7): number for number in range(20)}
            found = {futures[done]: done.result() for done in as_completed(futures)}
            assert found == {number: divmod(number, 7) for number in range(20)}
            assert list(pool.map(pow, range(5), range(5))) == [1, 1, 4, 27, 256]
            with pytest.raises(ZeroDivisionError):
                pool.submit(divmod, 1, 0).result()


def test_workers_that_could_not_do_it_are_refused(tmp_path, patience):
    with LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None) as engine:
        with pytest.raises(BuildError, match="--nthreads 1"):
            with engines.executor(f"dask:{engine.scheduler_address}", 1):
                pytest.fail("it was given work")
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None) as engine:
        with pytest.raises(BuildError, match="does not see .*nowhere"):
            with engines.executor(f"dask:{engine.scheduler_address}", 1, [tmp_path / "nowhere"]):
                pytest.fail("it was given work")


def test_a_worker_with_another_program_does_nothing():
    """One that came after the work had begun was not asked before."""
    with pytest.raises(BuildError, match="Install the same version"):
        engines.on_worker("another digest", [], pytest.fail, ("it ran",), {})


def test_no_engine_ends_in_a_sentence(patience, tmp_path, capsys):
    out = ["--out", str(tmp_path / "out")]
    assert main(["build", "lymphoma", *out, "--executor", "dask:tcp://127.0.0.1:1"]) == 1
    told = capsys.readouterr().err
    assert "There is no dask scheduler at tcp://127.0.0.1:1" in told and "Traceback" not in told
    for wrong in ("slurm", "dask:", "local:x"):
        with pytest.raises(SystemExit):
            main(["build", "lymphoma", *out, "--executor", wrong])
        assert "must be local, dask or dask:ADDRESS" in capsys.readouterr().err
