"""The bill of materials: ``python tools/sbom.py`` writes it from the locks, ``--check`` holds it to them.

CycloneDX 1.6, of everything that the locks name: version, digests of the files that may be installed, licence
as the package itself says it, and which others need it. It is written here and not by a library because it
must say what is *locked*, with licences, and be the same, byte for byte, on every machine: cyclonedx-py
writes licences of what happens to be installed, or digests without licences, and the index beside them.

``--check`` also refuses licences that ``[tool.salvage-book.licences]`` in pyproject.toml does not allow.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
BILL = ROOT / "salvage-book.cdx.json"
LOCKS = ("requirements.lock", "reconstruct.lock", "installer.lock")
ENTRY = re.compile(
    r"^([A-Za-z0-9._-]+)==(\S+)((?: \\\n    --hash=sha256:[0-9a-f]{64})+)((?:\n    #.*)*)", re.M
)


def locked(root: Path = ROOT) -> dict[str, tuple[str, list[str], list[str]]]:
    """Version, digests and who needs it, of each package of the locks, by name."""
    found: dict[str, tuple[str, list[str], list[str]]] = {}
    for lock in LOCKS:
        for name, version, hashes, via in ENTRY.findall((root / lock).read_text("utf-8")):
            named = re.findall(r"^    #(?: via|  ) ([A-Za-z0-9._-]+)", via, re.M)
            needed = {one for one in named if one[0] != "-"} or {"salvage-book"}  # else we asked for it
            known = found.get(name, (version, [], []))
            if known[0] != version:
                raise SystemExit(f"{name}: the locks name the versions {known[0]} and {version}. make lock")
            digests = sorted(re.findall(r"[0-9a-f]{64}", hashes))
            found[name] = (version, digests, sorted({*known[2], *needed}))
    return dict(sorted(found.items()))


def licence(name: str) -> str:
    """What an installed package says of its licence: SPDX, else its classifiers, else its first words."""
    about = importlib.metadata.metadata(name)
    told = [each.rpartition(" :: ")[2] for each in about.get_all("Classifier") or () if "License ::" in each]
    told = [each for each in told if each != "OSI Approved"]
    first = (about.get("License") or "").strip().partition("\n")[0]
    return about.get("License-Expression") or " AND ".join(sorted(told)) or first or "not said"


def bill() -> str:
    """The bill of materials as JSON."""
    packages = locked()
    components = [
        {
            "type": "library",
            "bom-ref": _url(name, version),
            "name": name,
            "version": version,
            "purl": _url(name, version),
            "licenses": [{"license": {"name": licence(name)}}],
            "hashes": [{"alg": "SHA-256", "content": each} for each in digests],
        }
        for name, (version, digests, _) in packages.items()
    ]
    ours = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    urls = {name: _url(name, version) for name, (version, *_) in packages.items()}
    root = _url(ours["name"], ours["version"])
    needs: dict[str, list[str]] = {url: [] for url in (root, *urls.values())}
    for name, (*_, whose) in packages.items():
        for one in whose:
            needs[urls.get(one, root)].append(urls[name])
    about = {"type": "application", "bom-ref": root, "name": ours["name"], "version": ours["version"]}
    whole = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": about | {"licenses": [{"license": {"id": ours["license"]}}]}},
        "components": components,
        "dependencies": [{"ref": ref, "dependsOn": sorted(on)} for ref, on in needs.items()],
    }
    # a line for each package, so that a change can be read
    return (
        re.sub(r'(?<=[\[}])(,? ?)(?=\{"(?:type|ref)")', ",\n", json.dumps(whole)).replace("[,\n", "[\n")
        + "\n"
    )


def _url(name: str, version: str) -> str:
    return f"pkg:pypi/{name}@{version}"


def problems(written: dict, packages: dict, rules: dict) -> Iterator[str]:
    """What is wrong with a bill: not that of the locks, or a licence that nobody has allowed."""
    here = {
        each["name"]: (each["version"], sorted(one["content"] for one in each["hashes"]))
        for each in written["components"]
    }
    if here != {name: (version, digests) for name, (version, digests, _) in packages.items()}:
        yield f"{BILL.name} is not what the locks say: make lock"
    for each in written["components"]:
        said = each["licenses"][0]["license"]["name"]
        parts = [part.strip(" ()") for part in re.split(r" AND | OR ", said)]
        allowed = said in rules["allowed"] or all(part in rules["allowed"] for part in parts)
        if each["name"] not in rules["exceptions"] and not allowed:
            yield (
                f"{each['name']} {each['version']}: its licence {said!r} is not one that "
                f"[tool.salvage-book.licences] in pyproject.toml allows. Take another package, or read the "
                f"licence and allow it there, with the reason"
            )
    for name in sorted(set(rules["exceptions"]) - set(here)):
        yield f"{name}: an exception of [tool.salvage-book.licences] that nothing needs; remove it"


def main(arguments: list[str]) -> int:
    """Write the bill, or check it."""
    if arguments == ["--check"]:
        rules = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["salvage-book"][
            "licences"
        ]
        found = list(problems(json.loads(BILL.read_text("utf-8")), locked(), rules))
        print("\n".join(found), end="\n" if found else "", file=sys.stderr)
        return bool(found)
    BILL.write_text(bill(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
