"""Without a checkout: a wheel holds all that a book is made of, and is never written into.

The program is installed by the steps of the container's recipe, below a path with spaces and accents. Its
packages come from the environment of these tests, so that nothing is downloaded.
"""

import os
import re
import shlex
import shutil
import site
import stat
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RECIPE = (ROOT / "Containerfile").read_text("utf-8")
NOBODY = 65534
PACKAGES = [each for each in site.getsitepackages() if Path(each).exists()]  # Debian's Python names two
OF_THE_BOOK = ["analysis_lib", "book", "notebooks/*.py", "_config.yml", "docutils.conf", "README.md"]


def tracked(*patterns):
    listed = subprocess.run(["git", "ls-files", "-z", *patterns], cwd=ROOT, capture_output=True, check=True)
    return [name for name in listed.stdout.decode().split("\0") if name]


def everybody_may(path):
    """Whether another user may enter the folders above a file."""
    return all(each.stat().st_mode & stat.S_IXOTH for each in Path(path).resolve().parents)


# A Python that another user may run, if there is one; tests of root are then run as that user.
PYTHON = next(
    (
        path
        for path in (sys._base_executable, f"/usr/bin/python3.{sys.version_info.minor}")
        if Path(path).exists() and everybody_may(path)
    ),
    sys._base_executable,
)
AS_OTHER = os.geteuid() == 0 and all(map(everybody_may, [PYTHON, *PACKAGES]))


def steps(word):
    """The lines of the recipe that begin with a word, without it."""
    return re.findall(rf"^{word} (.+)$", RECIPE, re.M)


@pytest.fixture(scope="module")
def place():
    """A folder that everybody may enter, which pytest's own is not."""
    with tempfile.TemporaryDirectory(prefix="Übung mit Büchern ") as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)
        for path in [Path(folder), *Path(folder).rglob("*")]:
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o755)


@pytest.fixture(scope="module")
def program(place):
    """The folder of the program, as the recipe makes it; read-only."""
    source, folder = place / "src", place / "opt" / "salvage-book"
    for name in tracked():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, source / name)
    packages = folder / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    packages.mkdir(parents=True)
    (packages / "of_the_tests.pth").write_text("\n".join(PACKAGES), "utf-8")
    for step in steps("RUN"):
        if not step.startswith(("apt-get", "useradd")):  # these two need a system of their own
            line = step.replace("/src", shlex.quote(str(source))).replace(
                "/opt", shlex.quote(str(place / "opt"))
            )
            environment = os.environ | {"PYTHON": PYTHON, "PIP_NO_INDEX": "1"}
            subprocess.run(["sh", "-ec", line], check=True, env=environment, cwd=place)
    assert not source.exists()
    # that all chapters are in it, a test below says; the book that is built with it has these two
    for chapter in sorted(folder.rglob("material/notebooks/[0-9]*.py")):
        if chapter.stem not in ("02_characteristics", "04_survival"):
            chapter.unlink()
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
    return folder


@pytest.fixture(scope="module")
def home(place):
    """The home folder of another user, with a cohort in it."""
    folder = place / "Heim von Zoë"
    shutil.copytree(ROOT / "tests" / "cohorts" / "three-columns", folder / "unsere Kohorte")
    if AS_OTHER:
        for path in [folder, *folder.rglob("*")]:
            os.chown(path, NOBODY, NOBODY)
    return folder


def run(program, home, *arguments):
    """What the installed command says to another user (to this one, where the tests are not root's)."""
    as_other = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    return subprocess.run(
        [*(as_other if AS_OTHER else []), program / "bin" / "salvage-book", *arguments],
        cwd=home,
        env={"HOME": str(home), "PATH": os.defpath, "LC_ALL": "C.UTF-8"},
        capture_output=True,
        encoding="utf-8",
    )


def state(folder):
    return {str(path): path.lstat().st_mtime_ns for path in folder.rglob("*")}


def test_an_installed_program_builds_in_the_current_folder_and_writes_nothing_of_its_own(program, home):
    before = state(program)
    listed, checked = run(program, home, "cohorts"), run(program, home, "check", "unsere Kohorte")
    assert listed.returncode == 0 and listed.stdout.startswith("reconstructed ")
    assert "no problem found" in checked.stdout, checked.stderr
    built = run(program, home, "build", "unsere Kohorte")
    assert built.returncode == 0, built.stdout + built.stderr
    book = home / "books" / "three-columns"
    assert built.stdout.endswith(f"The book: {book / 'html' / 'index.html'}\n")
    for chapter, says in {"02_characteristics": "Table 1", "04_survival": "Kaplan"}.items():
        page = (book / "html" / "book" / "cohorts" / "three-columns" / f"{chapter}.html").read_text("utf-8")
        assert says in page and str(program) not in page
        assert (
            book / "source" / "book" / "cohorts" / "three-columns" / "results" / f"{chapter}.csv"
        ).is_file()
    assert state(program) == before


def test_an_installed_program_makes_no_book_inside_itself(program, home):
    inside = next(program.rglob("analysis_lib")) / "material" / "book"
    refused = run(program, home, "build", "unsere Kohorte", "--out", inside)
    assert refused.returncode == 1 and "is inside the folder of this program" in refused.stderr


def test_the_starter_of_an_installed_program_names_its_command(program, home):
    assert run(program, home, "new", "neu").returncode == 0
    assert f'"{program / "bin" / "salvage-book"}" check .' in (home / "neu" / "README.txt").read_text("utf-8")


def test_wheel_and_sdist_hold_what_a_book_is_made_of(tmp_path):
    command = [sys.executable, "-m", "hatchling", "build", "--directory"]
    subprocess.run([*command, tmp_path], cwd=ROOT, check=True, capture_output=True)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert {
        name.replace("/material/", "/", 1) if name.startswith("analysis_lib/material/") else name
        for name in names
    } == {
        name if name.startswith("analysis_lib/") else f"analysis_lib/{name}" for name in tracked(*OF_THE_BOOK)
    }
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as sdist:
        asked = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # not in Debian's Python 3.11
        sdist.extractall(tmp_path / "unpacked", **asked)
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    again = [*command, tmp_path / "again", "--target", "wheel"]
    subprocess.run(again, cwd=unpacked, check=True, capture_output=True)
    with zipfile.ZipFile(next((tmp_path / "again").iterdir())) as wheel:
        assert {name for name in wheel.namelist() if ".dist-info/" not in name} == names
    assert set(tracked()) <= {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*")} | {
        ".gitignore"
    }


def test_the_container_is_slim_runs_as_nobody_of_importance_and_copies_no_cohort_of_ours():
    assert steps("FROM") == ["debian:bookworm-slim"] and steps("COPY") == [". /src"]
    assert RECIPE.index("USER reader") < RECIPE.index("ENTRYPOINT")
    assert steps("ENTRYPOINT") == ['["/opt/salvage-book/bin/salvage-book"]']
    left_out = (ROOT / ".containerignore").read_text("utf-8").split()
    assert {".git", ".venv", "_build", "book/cohorts"} <= set(left_out)
    assert (ROOT / ".dockerignore").read_text("utf-8").split() == left_out
