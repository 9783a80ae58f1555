"""The bill of materials is that of the locks, and licences that nobody has allowed are refused."""

import copy
import json
import re
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import sbom  # noqa: E402

RULES = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["salvage-book"]["licences"]
WRITTEN = json.loads(sbom.BILL.read_text("utf-8"))


def test_every_locked_package_stands_in_it_with_version_digests_and_licence():
    locked = sbom.locked()
    pinned = {
        line.partition("==")[0]
        for lock in sbom.LOCKS
        for line in (ROOT / lock).read_text().splitlines()
        if re.match(r"[A-Za-z0-9]", line)
    }
    assert set(locked) == pinned == {each["name"] for each in WRITTEN["components"]}
    assert all(digests for _, digests, _ in locked.values())
    assert list(sbom.problems(WRITTEN, locked, RULES)) == []


def test_it_is_a_cyclonedx_bill_whose_references_lead_somewhere():
    assert WRITTEN["bomFormat"] == "CycloneDX" and WRITTEN["specVersion"] == "1.6"
    refs = {each["bom-ref"] for each in WRITTEN["components"]}
    root = WRITTEN["metadata"]["component"]["bom-ref"]
    assert len(refs) == len(WRITTEN["components"])
    assert {each["ref"] for each in WRITTEN["dependencies"]} == refs | {root}
    needs = {each["ref"]: set(each["dependsOn"]) for each in WRITTEN["dependencies"]}
    assert set().union(*needs.values()) == refs, "each package is needed by something"
    assert any("pandas@" in one for one in needs[root])
    assert any("numpy@" in one for ref in refs if "/pandas@" in ref for one in needs[ref])
    assert "://" not in sbom.BILL.read_text("utf-8")


def changed(what):
    written = copy.deepcopy(WRITTEN)
    what(written["components"])
    return list(sbom.problems(written, sbom.locked(), RULES))


def licensed(words):
    def change(components):
        components[0]["licenses"][0]["license"]["name"] = words

    return change


@pytest.mark.parametrize(
    "words", ["GPL-3.0-only", "MIT AND GPL-2.0-or-later", "MIT OR AGPL-3.0-only", "not said", ""]
)
def test_a_licence_that_is_not_allowed_is_refused_by_name(words):
    (told,) = changed(licensed(words))
    assert WRITTEN["components"][0]["name"] in told and "pyproject.toml" in told


def test_a_bill_that_is_not_of_the_locks_is_refused():
    assert changed(lambda components: components.pop(0)) == [
        f"{sbom.BILL.name} is not what the locks say: make lock"
    ]
    assert changed(lambda components: components[0].update(version="0"))
    assert changed(lambda components: components[0]["hashes"].pop())


def test_an_exception_that_nothing_needs_is_refused():
    rules = RULES | {"exceptions": RULES["exceptions"] | {"left-pad": "once"}}
    assert list(sbom.problems(WRITTEN, sbom.locked(), rules)) == [
        "left-pad: an exception of [tool.salvage-book.licences] that nothing needs; remove it"
    ]


def test_the_files_that_the_security_page_names_are_there():
    page = (ROOT / "SECURITY.md").read_text("utf-8")
    places = [ROOT, ROOT / "tests" / "attacks"]
    named = set(re.findall(r"`([\w/.-]+(?:\.py|\.json|\.md|/))`", page)) - {
        "accepted-findings.json",
        "export.json",
    }
    assert len(named) > 10
    assert not [name for name in named if not any((place / name).exists() for place in places)]
