"""What a user installs is what was tested, and names no address."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def test_environment_yml_equals_pyproject():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
    pip = next(entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    assert pip == [*PROJECT["dependencies"], "-e ."]
    assert f"python{PROJECT['requires-python']}" in environment["dependencies"]


def test_make_fills_its_own_environment_whichever_the_user_has_active():
    installs = re.findall(r"^\t.*\buv pip install\b.*$", (ROOT / "Makefile").read_text("utf-8"), re.M)
    assert len(installs) == 3 and all("--python $(BIN)/python" in line for line in installs)


@pytest.mark.parametrize(("name", "least"), [("requirements.lock", 100), ("reconstruct.lock", 5)])
def test_the_lock_is_exact_hashed_and_names_no_index(name, least):
    lock = (ROOT / name).read_text("utf-8")
    entries = re.findall(r"^([a-z0-9][\w.-]*)(\[.*\])?(.*)$", lock, re.M)
    assert len(entries) > least and all(pin.startswith("==") for _, _, pin in entries)
    assert lock.count("--hash=sha256:") >= len(entries)
    assert "://" not in lock and not re.search(r"^--", lock, re.M)  # no address, no option


def test_the_two_locks_agree():
    pins = [
        dict(re.findall(r"^([a-z0-9][\w.-]*)==(\S+)", (ROOT / name).read_text("utf-8"), re.M))
        for name in ("requirements.lock", "reconstruct.lock")
    ]
    extra = set(PROJECT["optional-dependencies"]["reconstruct"])
    assert extra <= set(pins[1]) and not extra & set(pins[0])
    assert all(pins[0][package] == version for package, version in pins[1].items() if package in pins[0])


def test_every_dependency_is_locked():
    locked = set(re.findall(r"^([a-z0-9][\w.-]*)==", (ROOT / "requirements.lock").read_text("utf-8"), re.M))
    wanted = (
        PROJECT["dependencies"]
        + PROJECT["optional-dependencies"]["test"]
        + PROJECT["optional-dependencies"]["lint"]
        + PROJECT["optional-dependencies"]["lab"]
    )
    names = {re.split(r"[<>=\[ ]", each)[0].lower().replace("_", "-") for each in wanted}
    assert names <= locked


def test_no_tracked_file_names_a_place_of_some_machine():
    places = "|".join(["/" + "work/", "/" + "root/", "/" + "home/[a-z]", "index" + "-url="])
    found = subprocess.run(
        ["git", "grep", "-nIE", places, "--", ":!tests", ":!book/_extra"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert found.stdout == ""


WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_pin_what_they_use_and_may_no_more_than_they_need(path):
    workflow = yaml.load(path.read_text("utf-8"), yaml.BaseLoader)
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        assert int(job["timeout-minutes"]) <= 120
        assert job.get("permissions") == (
            {"pages": "write", "id-token": "write"} if name == "publish" else None
        )
        for step in job["steps"]:
            assert ("uses" in step) != ("run" in step)
            assert re.fullmatch(r"actions/[a-z-]+@v\d+", step.get("uses", "actions/x@v1"))


def test_workflows_run_the_tests_and_publish_the_book_of_the_bundled_cohorts():
    tests, book = [
        yaml.load((ROOT / ".github" / "workflows" / f"{name}.yml").read_text("utf-8"), yaml.BaseLoader)[
            "jobs"
        ]
        for name in ("tests", "book")
    ]
    assert {"run": ".ci/run"} in tests["everything"]["steps"] and (ROOT / ".ci" / "run").is_file()
    assert "windows-latest" in tests["installed"]["strategy"]["matrix"]["os"]
    assert {"run": "make book"} in book["build"]["steps"] and book["publish"]["needs"] == "build"
    (uploaded,) = [
        step["with"]["path"] for step in book["build"]["steps"] if "upload" in step.get("uses", "")
    ]
    assert uploaded == "_build/html"
