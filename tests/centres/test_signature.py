"""A signature beside an export is made and checked by the programs that others keep; .ci/run installs both."""

import os
import shutil
import subprocess

import pytest

from analysis_lib.__main__ import main
from analysis_lib.centres import book, send, signature
from analysis_lib.centres.exchange import SharingError


def run(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, **options).stdout


def only(monkeypatch, folder, *programs):
    """Leave these programs alone on the path."""
    folder.mkdir()
    for name in programs:
        (folder / name).symlink_to(shutil.which(name))
    if "gpg" in programs:
        (folder / "gpg-agent").symlink_to(shutil.which("gpg-agent"))
    monkeypatch.setenv("PATH", str(folder))


@pytest.fixture(params=["minisign", "gpg"])
def signed(request, tmp_path, monkeypatch):
    """An export with its signature, and a folder with the public key of whoever signed it."""
    home, keys = tmp_path / "home", tmp_path / "keys"
    for folder in (home, keys):
        folder.mkdir(mode=0o700)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GNUPGHOME", str(home))
    if request.param == "minisign":
        (home / ".minisign").mkdir()
        run("minisign", "-G", "-W", "-p", str(keys / "north.pub"))
    else:
        make = ("gpg", "--batch", "--passphrase", "", "--quick-generate-key", "north@example.org")
        run(*make, "default", "default", "never")
        (keys / "north.asc").write_bytes(run("gpg", "--armor", "--export"))
    only(monkeypatch, tmp_path / "bin", request.param)
    export = tmp_path / "north.zip"
    export.write_bytes(b"results")
    yield export, signature.sign(export), keys
    if request.param == "gpg":
        subprocess.run([shutil.which("gpgconf", path=os.defpath), "--kill", "all"], capture_output=True)


def test_a_signature_fits_its_export_and_key(signed):
    export, beside, keys = signed
    assert beside.name in ("north.zip.minisig", "north.zip.asc") and b"results" not in beside.read_bytes()
    assert signature.verify([export], keys) == ["north.zip: its signature fits the key of north."]


def test_an_export_that_was_changed_is_refused(signed):
    export, _, keys = signed
    export.write_bytes(b"other results")
    with pytest.raises(SharingError, match="changed on the way, or somebody else"):
        signature.verify([export], keys)


def test_the_key_of_somebody_else_is_refused(signed):
    export, _, keys = signed
    for key in keys.iterdir():
        key.write_text("untrusted comment: minisign public key\nRWQ" + "A" * 53 + "\n")
    with pytest.raises(SharingError, match="does not fit the key"):
        signature.verify([export], keys)


def test_what_is_missing_is_said_of_every_export_and_nothing_is_pooled(signed, tmp_path, capsys, monkeypatch):
    export, beside, keys = signed
    monkeypatch.setattr(book, "pool", lambda *_: pytest.fail("pooled"))
    south, east = tmp_path / "south.zip", tmp_path / "east.zip"
    for path in (south, east):
        path.write_bytes(b"results")
    shutil.copy(beside, tmp_path / beside.name.replace("north", "east"))
    command = ["pool", str(export), str(south), str(east), "--out", str(tmp_path / "book")]
    assert main([*command, "--keys", str(keys)]) == 1
    told = capsys.readouterr().err
    assert "Nothing was pooled" in told and "north.zip" not in told
    assert "south.zip: no signature stands beside it" in told and "east.zip: the folder of keys" in told
    assert main([*command, "--keys", str(tmp_path / "nowhere")]) == 1
    assert "no such folder" in capsys.readouterr().err
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    with pytest.raises(SharingError, match="not installed here"):
        signature.verify([export], keys)


def test_without_a_program_nothing_is_computed(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(send, "export", lambda *_: pytest.fail("computed"))
    only(monkeypatch, tmp_path / "bin")
    assert main(["export", "axi-cel", "--sign"]) == 1
    told = capsys.readouterr().err
    assert "minisign or gpg must be installed" in told and "without --sign" in told


def test_without_a_key_the_export_stays_and_no_signature_does(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    only(monkeypatch, tmp_path / "bin", "minisign")
    export = tmp_path / "north.zip"
    export.write_bytes(b"results")
    with pytest.raises(SharingError, match="written and is whole, but minisign did not sign it"):
        signature.sign(export)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bin", "north.zip"]


def test_the_command_signs_what_it_exported_and_prints_its_digest(tmp_path, monkeypatch, capsys):
    def export(_, out):
        out.write_bytes(b"results")
        return out, {"chapters": {}, "rows_sha256": "ab" * 32}

    monkeypatch.setattr(send, "export", export)
    monkeypatch.setattr(signature, "sign", lambda out: out.with_name(out.name + ".asc"))
    assert main(["export", "axi-cel", "--out", str(tmp_path / "north.zip"), "--sign"]) == 0
    told = capsys.readouterr().out
    assert "ab" * 32 in told and "north.zip.asc" in told
