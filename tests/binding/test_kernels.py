"""Forked kernels: the same outputs as plain ones, nothing left over from another notebook, no process left behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest
from jupyter_client.provisioning import KernelProvisionerFactory
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat.v4 import new_code_cell, new_notebook

from analysis_lib.binding import build, chapter, kernels, reuse
from analysis_lib.binding import ready as making_ready
from analysis_lib.files.places import NOTEBOOKS, ROOT
from analysis_lib.intake.manifest import locate

LIBRARIES = ("analysis_lib", "matplotlib_inline")  # must never be in the warm process
PARENT = "import os; print(open(f'/proc/{os.getppid()}/cmdline').read().split('\\0')[1])"
pytestmark = pytest.mark.skipif(
    bool(kernels.why_plain()) and not sys.platform.startswith("linux"), reason="this system has no safe fork"
)


def notebook(*cells):
    return new_notebook(
        cells=[new_code_cell(cell) for cell in cells],
        metadata={"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}},
    )


def printed(executed, cell=-1):
    return "".join(
        output["text"] for output in executed.cells[cell].outputs if output.get("name") == "stdout"
    ).strip()


def run(*cells, folder, **options):
    client = NotebookClient(
        notebook(*cells),
        resources={"metadata": {"path": str(folder)}},
        shutdown_kernel="immediate",
        **options,
    )
    return client.execute()


def gone(pid, patience=120):
    """Whether a process ends in time."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.1)
    return False


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("notebooks")


@pytest.fixture(scope="module")
def forked(folder):
    with kernels.forked(folder):
        yield folder


@pytest.fixture
def light(monkeypatch):
    """Warm processes from now on import what a kernel is made of and no library: they are started to be killed
    or replaced.
    """
    monkeypatch.setattr(kernels, "PRELOADED", kernels.PRELOADED[:3])


def back_to_plain(monkeypatch):
    """Back to what jupyter_client does by itself, whatever else is under way."""
    monkeypatch.setattr(KernelProvisionerFactory.instance(), "default_provisioner_name", "local-provisioner")
    monkeypatch.delenv(kernels.CHOICE, raising=False)


@pytest.fixture
def plain(monkeypatch):
    back_to_plain(monkeypatch)


def test_a_kernel_is_a_fork_of_the_warm_process_which_knows_no_module_of_ours(forked):
    executed = run(
        PARENT,
        "import sys; print('pandas' in sys.modules, [m for m in sys.modules if m.partition('.')[0] in "
        f"{LIBRARIES}])",
        folder=forked,
    )
    assert printed(executed, 0) == str(kernels.WARM)
    assert printed(executed) == "True []"


def test_outside_kernels_are_plain(folder, plain):
    assert printed(run(PARENT, folder=folder)) != str(kernels.WARM)


LEAVES = """
import builtins, gc, os, random, sys, warnings, tempfile
import matplotlib, numpy as np, pandas as pd, scipy.stats
left_over = 1
os.environ["LEFT_OVER"] = "1"; os.environ.pop("HOME", None)
matplotlib.rcParams["font.size"] = 33
pd.set_option("display.max_rows", 3)
pd.DataFrame.describe = lambda self: "patched"; scipy.stats.left_over = builtins.left_over = 1
np.random.seed(1); random.seed(1); np.seterr(all="raise"); np.set_printoptions(precision=1)
warnings.simplefilter("error"); sys.path.insert(0, "/left/over"); sys.setrecursionlimit(5000); gc.disable()
os.chdir("/"); os.umask(0o77)
kept_open = os.open(os.devnull, os.O_RDONLY)
import matplotlib.pyplot as plt; plt.plot([1]); tempfile.tempdir = "/"
print(np.random.random(), random.random())
"""
SEES = """
import builtins, gc, os, random, sys, tempfile, warnings
import matplotlib, numpy as np, pandas as pd, scipy.stats
import matplotlib.pyplot as plt
old = os.umask(0o22)
print([name for name in ("left_over",) if name in globals() or hasattr(builtins, name) or hasattr(scipy.stats, name)],
      os.environ.get("LEFT_OVER"), "HOME" in os.environ, matplotlib.rcParams["font.size"], pd.get_option("display.max_rows"),
      pd.DataFrame({"x": [1]}).describe().loc["count", "x"], np.geterr()["divide"], np.get_printoptions()["precision"],
      ("error", None, Warning, None, 0) in warnings.filters, "/left/over" in sys.path, sys.getrecursionlimit() == 5000,
      gc.isenabled(), os.getcwd(), oct(old), len(os.listdir("/proc/self/fd")), plt.get_fignums(), tempfile.tempdir)
"""


def test_nothing_of_one_notebook_is_left_in_the_next(forked):
    before = printed(run(SEES, folder=forked))
    run(LEAVES, folder=forked)
    assert printed(run(SEES, folder=forked)) == before
    assert before.startswith("[] None True 10.0 60 1.0 warn 8 False False False True " + str(forked))


def test_a_notebook_that_seeds_nothing_draws_other_numbers_than_the_next(forked):
    draws = "import random, numpy as np; print(np.random.random(), random.random())"
    first, second = (printed(run(draws, folder=forked)).split() for _ in range(2))
    assert first[0] != second[0] and first[1] != second[1]


STATE = """
import json, logging, os, sys, warnings
import numpy as np, pandas as pd, matplotlib, matplotlib.pyplot as plt, seaborn, lifelines, statsmodels.api, greenwood, firthmodels
from pandas._config import config
figure, _ = plt.subplots(); plt.close(figure)
print(json.dumps({
    "path": sys.path, "argv": [each for each in sys.argv + sys.orig_argv if not each.endswith(".json")], "flags": str(sys.flags),
    "environment": {name: value for name, value in os.environ.items() if name not in ("JPY_PARENT_PID", "PYTEST_CURRENT_TEST")},
    "cwd": os.getcwd(), "group": os.getpgid(0) == os.getpid() == os.getsid(0), "rc": {k: str(v) for k, v in dict.items(matplotlib.rcParams)},
    "pandas": {name: [str(pd.get_option(name)), str(option.defval)] for name, option in config._registered_options.items()},
    "numpy": [str(np.get_printoptions()), np.geterr()], "filters": sorted(map(str, warnings.filters)),
    "backend": plt.get_backend(), "root": [str(type(each)) for each in logging.root.handlers], "displayhook": str(type(sys.displayhook)),
    "events": {name: [each.__qualname__ for each in known] for name, known in get_ipython().events.callbacks.items()},
    "names": sorted(name for name in vars() if not name.startswith("_i")), "limit": sys.getrecursionlimit()}))
"""


def test_a_notebook_cannot_tell_a_forked_kernel_from_a_plain_one(forked, monkeypatch):
    with monkeypatch.context() as for_one:
        back_to_plain(for_one)
        expected = json.loads(printed(run(PARENT, STATE, folder=forked)))
    executed = run(PARENT, STATE, folder=forked)
    assert printed(executed, 0) == str(kernels.WARM)
    assert json.loads(printed(executed)) == expected


def test_what_chapters_import_is_in_the_warm_process(forked):
    code = (
        "import sys; before = set(sys.modules)\n"
        "from analysis_lib.analyses import context, local_failure, missing, multiplicity, simulation, validation, weighting\n"
        "from analysis_lib.paper import ledger\nfrom analysis_lib.paper.audit import verdicts\n"
        "from analysis_lib.show import audit_page, consistent_page, figures_beyond, notes, sentences, tables_beyond\n"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)\n"
        "print(sorted(new - {'analysis_lib', 'matplotlib_inline', 'rfc3987_syntax'}))"  # which is kept out
    )
    reading = (  # pandera imports what it checks with when it checks
        "before = {name.partition('.')[0] for name in sys.modules}\n"
        "from analysis_lib.intake.read import read_cohort; read_cohort('reconstructed')\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} - before - set(sys.stdlib_module_names)))"
    )
    executed = run(f"import os; os.chdir({str(NOTEBOOKS)!r})", code, reading, folder=forked)
    assert (printed(executed, 1), printed(executed, 2)) == ("[]", "[]")


def test_libraries_that_had_threads_work_after_the_fork(forked, tmp_path):
    code = (
        "import hashlib, numpy as np, pandas as pd\n"
        "a = np.random.default_rng(1).normal(size=(400, 400)); b = np.linalg.solve(a, a @ a)\n"
        f"pd.DataFrame(a[:, :3], columns=list('abc')).to_parquet({str(tmp_path / 'a.parquet')!r})\n"
        f"print(hashlib.md5(b.tobytes()).hexdigest(), len(pd.read_parquet({str(tmp_path / 'a.parquet')!r})))"
    )
    here = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert [printed(run(code, folder=forked, timeout=60)) for _ in range(3)] == [here] * 3


def test_a_cell_that_takes_too_long_is_interrupted(forked):
    with pytest.raises(CellTimeoutError):
        run("import time\ntime.sleep(60)", folder=forked, timeout=2)
    executed = run(
        "import time\ntry:\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    print('interrupted')",
        "print('went on')",
        folder=forked,
        timeout=5,
        interrupt_on_timeout=True,
        allow_errors=True,
    )
    assert printed(executed, 0).startswith("interrupted") and printed(executed) == "went on"


@pytest.mark.parametrize(
    "end", ["import os; os._exit(3)", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"]
)
def test_a_kernel_that_dies_is_noticed_and_the_next_one_starts(forked, end):
    with pytest.raises(DeadKernelError):
        run(end, folder=forked)
    assert printed(run("print('lives')", folder=forked)) == "lives"


def test_many_kernels_at_a_time(forked):
    import asyncio

    async def all_at_once():
        clients = [
            NotebookClient(
                notebook(f"import time; time.sleep(0.2); print({n})"),
                resources={"metadata": {"path": str(forked)}},
            )
            for n in range(6)
        ]
        return [
            printed(each) for each in await asyncio.gather(*(client.async_execute() for client in clients))
        ]

    with ThreadPoolExecutor(1) as apart:  # this one's loop may run already, for a browser of other tests
        assert apart.submit(asyncio.run, all_at_once()).result() == list("012345")


def test_another_environment_gets_another_warm_process(forked, light, monkeypatch):
    tell = "import os; print(os.environ.get('OMP_NUM_THREADS'), os.getppid())"
    first = printed(run(tell, folder=forked)).split()
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    second = printed(run(tell, folder=forked)).split()
    assert second[0] == "3" and second[1] != first[1]


def test_a_killed_warm_process_is_started_again(forked, light):
    warm = int(printed(run("import os; print(os.getppid())", folder=forked)))
    os.kill(warm, signal.SIGKILL)
    assert printed(run("print('lives')", folder=forked)) == "lives"


COUNTING = """
from pathlib import Path
NAME = "as it was"
found = []
def count(where):
    with Path(where).open("a") as file:
        file.write("x")
    found.append(NAME)
"""
TELL = "import counting; print(counting.NAME, counting.found)"


@pytest.fixture
def ready(forked, light, tmp_path, monkeypatch):
    """A module of a project, which the warm process has imported and called."""
    (tmp_path / "counting.py").write_text(COUNTING)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    call = ("counting", "count", str(tmp_path / "calls"))
    kernels.make_ready(forked, ["counting"], [call, ("counting", "nothing")], [tmp_path / "counting.py"])
    while not (tmp_path / "calls").exists():  # or it would be made ready of what a test has written meanwhile
        time.sleep(0.05)
    return tmp_path


def test_what_is_made_ready_is_done_once_for_all_kernels(forked, ready):
    for _ in range(2):  # what the first one adds is not in the second
        executed = run(TELL, "counting.found.append('mine')", folder=forked)
        assert printed(executed, 0) == "as it was ['as it was']"
    assert (ready / "calls").read_text() == "x"


def test_a_kernel_forgets_what_was_made_ready_when_a_file_has_changed_since(forked, ready):
    (ready / "counting.py").write_text(COUNTING.replace("as it was", "changed"))
    assert printed(run(TELL, folder=forked)) == "changed []"
    (ready / "counting.py").unlink()
    with pytest.raises(CellExecutionError, match="No module named 'counting'"):
        run(TELL, folder=forked)


def test_a_module_that_cannot_be_imported_is_left_to_the_notebook_that_wants_it(forked, ready):
    (ready / "wrong.py").write_text("this is no Python")
    kernels.make_ready(forked, ["wrong", "nowhere"], [("wrong", "count")], [ready / "wrong.py"])
    assert printed(run(TELL, folder=forked)) == "as it was ['as it was']"
    with pytest.raises(CellExecutionError, match="SyntaxError"):
        run("import wrong", folder=forked)


# Where forking ends, its warm process does, too, and the next test that asks for one would wait for another:
# these come after all that share one.


def test_a_chapter_has_the_same_outputs_to_the_byte(tmp_path, plain):
    name = "03_failure"  # with tables, tests and figures of several kinds

    def outputs(where):
        executed = chapter.execute(
            name, {"cohort": str(locate("reconstructed")), "results_dir": str(tmp_path / where)}
        )
        return [list(cell.get("outputs", [])) for cell in executed.cells], (
            tmp_path / where / f"{name}.csv"
        ).read_bytes()

    expected, expected_rows = outputs("plain")
    assert sum("application/pdf" in str(cell) for cell in expected) > 0, "no figure was compared"
    with kernels.forked(NOTEBOOKS):
        assert outputs("forked") == (expected, expected_rows)
        studies = build.read_all(["reconstructed"])
        as_read = {path: reuse.of_cohort(path) for path in studies}
        making_ready.make(build.plan(studies, as_read, tmp_path, {}), studies, reuse.as_it_is())
        assert outputs("ready") == (expected, expected_rows)
        told = (
            "from analysis_lib.consistent import ranges; from analysis_lib.intake import read\n"
            "print(len(read._AHEAD), ranges._of_folder.cache_info().currsize)"
        )
        assert printed(run(told, folder=NOTEBOOKS)) == "1 1"  # the cohort was read, the ranges were found


def test_a_file_that_hides_a_library_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(kernels, "PRELOADED", (*kernels.PRELOADED[:3], "seaborn"))
    (tmp_path / "seaborn.py").write_text("mine = True")
    with kernels.forked(tmp_path):
        assert printed(run("import seaborn; print(seaborn.mine)", folder=tmp_path)) == "True"


BUILDER = """
import sys
sys.modules["rfc3987_syntax"] = None  # as analysis_lib does
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
from analysis_lib.binding import kernels
cell = new_code_cell("import os, subprocess, time; child = subprocess.Popen(['sleep', '600'])\\n"
                     f"open({sys.argv[1]!r} + '/new', 'w').write(f'{{os.getpid()}} {{os.getppid()}} {{child.pid}}'); os.rename({sys.argv[1]!r} + '/new', {sys.argv[1]!r} + '/pids')\\n"
                     "time.sleep(600)")
kernels.PRELOADED = kernels.PRELOADED[:3]  # who is killed needs no library
with kernels.forked(Path(sys.argv[1])):
    NotebookClient(new_notebook(cells=[cell]), resources={"metadata": {"path": sys.argv[1]}}).execute()
"""


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_no_process_outlives_a_builder_that_is_killed(tmp_path, end):
    builder = subprocess.Popen([sys.executable, "-c", BUILDER, str(tmp_path)], cwd=ROOT)
    until = time.monotonic() + 200
    while not (tmp_path / "pids").exists() and time.monotonic() < until:
        assert builder.poll() is None
        time.sleep(0.2)
    kernel, warm, started = map(int, (tmp_path / "pids").read_text().split())
    builder.send_signal(end)
    builder.wait()
    assert [gone(pid) for pid in (kernel, warm, started)] == [True] * 3


def test_a_warm_process_ends_while_it_imports_when_its_starter_is_gone(tmp_path):
    (tmp_path / "first.py").write_text(
        "import os, pathlib, time\n"
        "pathlib.Path('pid').write_text(str(os.getpid()))\n"
        "while not os.path.exists('go'): time.sleep(0.05)\n"
    )
    (tmp_path / "second.py").write_text("import pathlib; pathlib.Path('went on').touch()\n")
    starter = (
        "import os, subprocess, sys, time\n"
        f"subprocess.Popen([sys.executable, {str(kernels.WARM)!r}, '0', str(os.getpid()), 'first', 'second'],\n"
        "                 start_new_session=True, env=os.environ | {'PYTHONPATH': os.getcwd()})\n"
        "while not os.path.exists('pid'): time.sleep(0.05)\n"
    )
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, its:  # somebody could still ask: only the starter's end says that nobody will
        subprocess.run([sys.executable, "-c", starter], cwd=tmp_path, stdin=its, check=True)
        (tmp_path / "go").touch()
        assert gone(int((tmp_path / "pid").read_text()))
    assert not (tmp_path / "went on").exists()


@pytest.mark.parametrize("pretended", ["darwin", "win32"])
def test_where_fork_is_not_to_be_had_kernels_are_plain_and_it_is_said_once(
    pretended, folder, plain, monkeypatch, capfd
):
    with monkeypatch.context() as patched:
        patched.setattr(
            kernels,
            "sys",
            type(
                "Pretended", (), {"platform": pretended, "stderr": sys.stderr, "executable": sys.executable}
            ),
        )
        with kernels.forked(folder):
            ran = [printed(run(PARENT, folder=folder)) for _ in range(2)]
    assert str(kernels.WARM) not in ran
    assert capfd.readouterr().err.count("each starts on its own") == 1


def by_the_environment():
    return os.environ | {"JUPYTER_DEFAULT_PROVISIONER_NAME": kernels.NAME}


def test_nbconvert_and_nbval_take_it_from_the_environment(tmp_path):
    (tmp_path / "folder").mkdir()
    path = tmp_path / "folder" / "a.ipynb"
    nbformat.write(
        notebook(PARENT, "import os; print('JUPYTER_DEFAULT_PROVISIONER_NAME' in os.environ)"), path
    )
    subprocess.run(
        [
            sys.executable,
            "-m",
            "nbconvert",
            "--to",
            "notebook",
            "--inplace",
            "--execute",
            "folder/a.ipynb",  # the kernel's folder comes as it was written, relative
        ],
        cwd=tmp_path,
        env=by_the_environment(),
        check=True,
        capture_output=True,
    )
    executed = nbformat.read(path, 4)
    assert printed(executed, 0) == str(kernels.WARM) and printed(executed) == "False"
    checked = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "--nbval",
            "--nbval-current-env",
            str(path),
        ],
        env=by_the_environment(),
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert "2 passed" in checked.stdout, checked.stdout[-2000:]


EARLY = """\
import os, sys
from pathlib import Path
from analysis_lib.binding import kernels
kernels.start_early(Path(sys.argv[1]))
import analysis_lib.binding.build
with kernels.forked(Path(sys.argv[1])):
    print(Path(f"/proc/self/task/{os.getpid()}/children").read_text())
"""


def test_a_warm_process_that_was_started_early_is_the_one_that_is_used(tmp_path):
    """Whatever was imported in between, and set variables of the environment."""
    run = subprocess.run([sys.executable, "-c", EARLY, str(tmp_path)], capture_output=True, text=True)
    assert len(run.stdout.split()) == 1, run.stdout + run.stderr
