"""The command line answers before it loads: what a command has imported by the time it has answered."""

import io
import subprocess
import sys

import pytest

from analysis_lib.__main__ import main
from analysis_lib.binding import build
from analysis_lib.binding.outcome import Outcome
from analysis_lib.intake.bundled import bundled_cohorts

CODE = """\
import sys
from analysis_lib.__main__ import main
try:
    status = main(sys.argv[1:])
except SystemExit as end:
    status = end.code
print("status", status)
print("loaded", *sorted({name.partition(".")[0] for name in sys.modules}))
"""


def answer(*arguments):
    """The exit status of a command, the packages it loaded, and what it said."""
    run = subprocess.run(
        [sys.executable, "-c", CODE, *arguments], capture_output=True, text=True, timeout=120
    )
    *said, status, loaded = run.stdout.splitlines()
    return status.removeprefix("status "), set(loaded.split()), "\n".join(said) + run.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["--help"], "0", "COMMAND"),
        (["build", "--help"], "0", "--jobs"),
        (["cohorts"], "0", "lymphoma"),
        (["biuld"], "2", "invalid choice: 'biuld'"),
        ([], "2", "required: COMMAND"),
        (["build", "lymphoma", "--jobs", "0"], "2", "at least 1"),
        (["build", "lymphoma", "-p", "alpha_beta", "three"], "1", "must be a number"),
    ],
)
def test_an_answer_that_needs_no_data_loads_nothing_that_reads_data(arguments, status, says):
    ended, loaded, said = answer(*arguments)
    assert ended == status and says in said and "Traceback" not in said
    assert not loaded & {
        "pandas",
        "numpy",
        "scipy",
        "matplotlib",
        "jupytext",
        "nbformat",
        "pydantic",
        "rich",
        "sphinx",
    }


def test_a_check_loads_what_reads_tables_and_no_more():
    ended, loaded, said = answer("check", "lymphoma")
    assert ended == "0" and "no problem found" in said
    assert not loaded & {
        "matplotlib",
        "lifelines",
        "greenwood",
        "scipy",
        "statsmodels",
        "sphinx",
        "jupyter_book",
        "papermill",
        "IPython",
    }


def test_cohorts_lists_each_bundled_one_with_its_title():
    _, _, said = answer("cohorts")
    assert said.splitlines() == [f"{name:15} {title}" for name, title in bundled_cohorts().items()]


def test_a_home_folder_that_no_shell_expanded_is_one(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert main(["new", "~/ours"]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["ours"]
    with pytest.raises(SystemExit):
        main(["new", "~nobody-of-this-name/ours"])
    assert "there is no home folder ~nobody-of-this-name" in capsys.readouterr().err


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_progress_is_a_bar_on_a_terminal_and_plain_lines_in_a_log(stream, monkeypatch, tmp_path, capsys):
    def one_by_one(cohorts, out, jobs, parameters, report, fresh, executor):
        assert fresh and executor == "local"
        outcomes = [Outcome("lymphoma", each, "done", "") for each in ("01_[b]cohort", "04_survival")]
        for outcome in outcomes:
            report(outcome, 2)
        return outcomes

    monkeypatch.setattr(build, "build", one_by_one)
    monkeypatch.setattr(sys, "stderr", stream())
    assert main(["build", "lymphoma", "--out", str(tmp_path / "book"), "--fresh"]) == 0
    told, drawn = capsys.readouterr().out, sys.stderr.getvalue()
    assert ("lymphoma 01_[b]cohort: done\n" in told) == (stream is io.StringIO)
    assert ("[2/2] lymphoma 04_survival" in told) == (stream is io.StringIO)
    assert ("lymphoma 04_survival" in drawn) == (stream is Terminal) and "\x1b" not in told
    assert "2 done, 0 skipped, 0 failed" in told


def test_who_stops_listening_gets_no_traceback():
    """As in `salvage-book cohorts | head -1`."""
    run = subprocess.Popen(
        [sys.executable, "-m", "analysis_lib", "cohorts"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    run.stdout.close()  # before it has said a word
    assert (run.stderr.read(), run.wait(120)) == ("", 1)
    run.stderr.close()
