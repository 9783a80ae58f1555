"""The store of what was made: whole or absent, whatever happens to it."""

import hashlib
import json
import multiprocessing
import os
import signal
import time
import zipfile

import pytest

from analysis_lib.binding.kept import AS_MANY, keep, kept

LABEL = "reconstructed/04_survival"


@pytest.fixture
def made(tmp_path):
    folder = tmp_path / "made"
    (folder / "results").mkdir(parents=True)
    (folder / "page.ipynb").write_bytes(b"page" * 1000)
    (folder / "results" / "04.csv").write_bytes(b"rows\n")
    return folder


def files_of(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files_of(folder)}


def test_what_is_kept_comes_back_as_it_was(made, tmp_path):
    store, back = tmp_path / "store", tmp_path / "back"
    keep(store, LABEL, "a" * 64, made, files_of(made), {"status": "done", "reason": ""})
    assert kept(store, LABEL, "a" * 64, back) == {"status": "done", "reason": ""}
    assert contents(back) == contents(made)


def test_another_fingerprint_or_label_or_store_has_nothing(made, tmp_path):
    store = tmp_path / "store"
    keep(store, LABEL, "a" * 64, made, files_of(made), {})
    for where in [
        (store, LABEL, "b" * 64),
        (store, "axi-cel/04_survival", "a" * 64),
        (tmp_path / "none", LABEL, "a" * 64),
    ]:
        assert kept(*where, tmp_path / "back") is None
    assert not (tmp_path / "back").exists() and not (tmp_path / "none").exists()


def test_an_entry_damaged_at_any_byte_gives_nothing_or_the_truth(made, tmp_path):
    store = tmp_path / "store"
    keep(store, LABEL, "a" * 64, made, files_of(made), {"status": "done"})
    entry = store / LABEL / f"{'a' * 64}.zip"
    whole = entry.read_bytes()
    for place in range(0, len(whole), 3):
        entry.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        back = tmp_path / f"back{place}"
        if kept(store, LABEL, "a" * 64, back) is None:
            assert not back.exists()
        else:
            assert contents(back) == contents(made)
    for place in range(0, len(whole), 7):
        entry.write_bytes(whole[:place])
        assert kept(store, LABEL, "a" * 64, tmp_path / "cut") is None
    assert not (tmp_path / "cut").exists()


def test_a_damaged_entry_is_replaced(made, tmp_path):
    store = tmp_path / "store"
    keep(store, LABEL, "a" * 64, made, files_of(made), {})
    (store / LABEL / f"{'a' * 64}.zip").write_bytes(b"half")
    keep(store, LABEL, "a" * 64, made, files_of(made), {"again": True})
    assert kept(store, LABEL, "a" * 64, tmp_path / "back") == {"again": True}


@pytest.mark.parametrize("name", ["../../evil", "/evil", "a/../../../evil"])
def test_an_entry_never_writes_outside_the_folder(tmp_path, name):
    place = tmp_path / "store" / LABEL
    place.mkdir(parents=True)
    with zipfile.ZipFile(place / f"{'a' * 64}.zip", "w") as archive:
        archive.writestr(
            "told.json", json.dumps({"told": {}, "files": {name: hashlib.sha256(b"x").hexdigest()}})
        )
        archive.writestr(f"files/{name}", "x")
    assert kept(tmp_path / "store", LABEL, "a" * 64, tmp_path / "a" / "b" / "back") is None
    assert not list(tmp_path.rglob("*evil*"))


def test_the_latest_used_entries_stay(made, tmp_path):
    store = tmp_path / "store"
    for number in range(AS_MANY):
        keep(store, LABEL, str(number), made, files_of(made), {"number": number})
        os.utime(store / LABEL / f"{number}.zip", (number, number))
    assert kept(store, LABEL, "0", tmp_path / "back") == {"number": 0}
    keep(store, LABEL, "new", made, files_of(made), {})
    assert sorted(path.stem for path in (store / LABEL).iterdir()) == sorted(
        ["0", "new", *map(str, range(2, AS_MANY))]
    )


def keep_for_ever(store, made):
    while True:
        keep(store, LABEL, "a" * 64, made, files_of(made), {"status": "done"})


def test_two_builds_at_a_time_and_both_killed(made, tmp_path):
    store = tmp_path / "store"
    context = multiprocessing.get_context("spawn")
    for _ in range(2):
        builds = [context.Process(target=keep_for_ever, args=(store, made)) for _ in range(2)]
        for each in builds:
            each.start()
        until, read = time.monotonic() + 300, 0
        while read < 30 and time.monotonic() < until:
            if (told := kept(store, LABEL, "a" * 64, tmp_path / "back")) is not None:
                assert told == {"status": "done"} and contents(tmp_path / "back") == contents(made)
                read += 1
        for each in builds:
            os.kill(each.pid, signal.SIGKILL)
            each.join()
        assert read == 30
        assert kept(store, LABEL, "a" * 64, tmp_path / "back") == {"status": "done"}
        assert contents(tmp_path / "back") == contents(made)


def test_nothing_half_written_stays_when_a_file_cannot_be_read(made, tmp_path):
    with pytest.raises(FileNotFoundError):
        keep(tmp_path / "store", LABEL, "a" * 64, made, [made / "page.ipynb", made / "missing"], {})
    assert not files_of(tmp_path / "store")


def test_an_unfinished_file_of_a_killed_build_goes_after_a_day(made, tmp_path):
    place = tmp_path / "store" / LABEL
    place.mkdir(parents=True)
    for name, age in {".keeping-old": 90000, ".keeping-new": 10}.items():
        (place / name).write_bytes(b"")
        os.utime(place / name, (time.time() - age, time.time() - age))
    keep(tmp_path / "store", LABEL, "a" * 64, made, files_of(made), {})
    assert {path.name for path in place.iterdir()} == {".keeping-new", f"{'a' * 64}.zip"}
