"""The house keeps its order: its drawing, its walks and the length of its modules and functions are what is said."""

import ast
import re
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import draw_house  # noqa: E402

CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
LIBRARY = sorted((ROOT / "analysis_lib").rglob("*.py"))
LONGEST_MODULE, LONGEST_FUNCTION = 350, 50
REASON = "Long because"  # in a docstring, followed by why


@cache
def tree(path):
    return ast.parse(path.read_text("utf-8"))


def names_of(path):
    """What a module defines at its top: functions, classes, values."""
    found = set()
    for node in tree(path).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {
                each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)
            }
    return found


# --- the drawing ----------------------------------------------------------------------------------


def test_the_drawing_is_that_of_todays_imports():
    assert draw_house.page(CONTRIBUTING) == CONTRIBUTING, "run `python tools/draw_house.py`"


def test_every_package_stands_in_the_drawing_above_all_that_it_imports():
    known = draw_house.imports()
    placed = draw_house.floors(known)
    assert {"rows", "show", "binding", "__main__"} <= set(placed) and "paper" in known["analyses"]
    assert all(placed[room] > placed[below] for room, of in known.items() for below in of)
    assert all(f"  {room} " in CONTRIBUTING for room in placed)


def test_a_circle_has_no_drawing():
    with pytest.raises(ValueError, match="circle: a, b"):
        draw_house.floors({"a": {"b"}, "b": {"a"}, "c": set()})


# --- the walks ------------------------------------------------------------------------------------

NAMED = re.compile(r"`((?:analysis_lib|tests|tools|notebooks|book)/[\w/.-]+)`(?::\s+((?:`\w+`(?:, )?)+))?")


def test_walks_name_files_and_functions_that_exist():
    found = NAMED.findall(CONTRIBUTING)
    assert len(found) > 20 and sum(bool(names) for _, names in found) > 12
    for file, names in found:
        path = ROOT / file.replace("NN_topic", "04_survival")
        assert path.exists(), file
        for name in re.findall(r"`(\w+)`", names):
            assert name in names_of(path), f"{file} has no {name}"


def test_every_walk_is_at_most_three_hops_and_every_addition_at_most_ten_lines():
    walks = re.findall(r"^\*\*.+?\?\*\*.*\n((?:\d\. .+\n)+)", CONTRIBUTING, re.M)
    assert len(walks) == 4 and all(1 <= len(walk.splitlines()) <= 3 for walk in walks)
    for what in ("an endpoint", "a factor", "a chapter", "a file format", "a type of figure"):
        steps = CONTRIBUTING.partition(f"# How to add {what}\n\n")[2].partition("\n\n")[0]
        assert 1 <= len(steps.splitlines()) <= 10, what


def test_commands_that_are_named_import_what_exists():
    for module, name in re.findall(r"from (analysis_lib[\w.]*) import (\w+)", CONTRIBUTING):
        assert (ROOT / module.replace(".", "/") / f"{name}.py").is_file(), (module, name)
    for module in re.findall(r"-m (analysis_lib(?:\.\w+)*)", CONTRIBUTING):
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), module


# --- what is private ------------------------------------------------------------------------------

PRIVATE = re.compile(r"_(?!_)\w+")  # one underscore before it
IN_WORDS = re.compile(
    r"analysis_lib[\w.]*\.(_(?!_)\w+)|from analysis_lib[\w.]* import (?:[^\n]*\W)?(_(?!_)\w+)"
)


@cache
def private_of_the_library():
    """Private names that the library gives to functions, classes, values and attributes."""
    named = set()
    for node in (node for path in LIBRARY for node in ast.walk(tree(path))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            named.add(node.name)
        elif isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Store):
            named.add(node.id if isinstance(node, ast.Name) else node.attr)
    return {name for name in named if PRIVATE.fullmatch(name)}


def private_names(source):
    """Private names of the library that a test file imports, touches or patches, or that code which it runs elsewhere
    imports.
    """
    theirs, found = private_of_the_library(), set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            found |= {alias.name for alias in node.names} & theirs
        elif isinstance(node, ast.Attribute):
            found |= {node.attr} & theirs
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(
            "attr"
        ):  # getattr, monkeypatch.setattr
            found |= {each.value for each in node.args[1:2] if isinstance(each, ast.Constant)} & theirs
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= {name for names in IN_WORDS.findall(node.value) for name in names if name}
    return sorted(found)


def test_no_test_knows_a_private_name_of_the_library():
    files = [path for path in sorted((ROOT / "tests").rglob("*.py")) if path != Path(__file__).resolve()]
    found = {path.name: private for path in files if (private := private_names(path.read_text("utf-8")))}
    assert len(files) > 60 and not found, f"test what is public, or make it public: {found}"


@pytest.mark.parametrize(
    "source",
    [
        "from analysis_lib.binding.strobe import _place",
        "from analysis_lib.binding import strobe\nstrobe._place()",
        "ForkedKernel(1, line)._listen(0)",
        "monkeypatch.setattr(strobe, '_place', None)",
        "monkeypatch.setattr('analysis_lib.binding.strobe._place', None)",
        "run([python, '-c', 'from analysis_lib.binding.strobe import section_of, _place'])",
    ],
)
def test_a_private_name_is_found_however_it_is_reached(source):
    assert private_names(source) in (["_place"], ["_listen"])


def test_what_is_not_ours_may_be_private():
    assert not private_names("table.rows[0]._tr\nPath('_build')\nfrom analysis_lib import __name__")


# --- lengths --------------------------------------------------------------------------------------


def code_lines(function):
    """The lines of a function without its docstring."""
    first = function.body[0]
    said = first.end_lineno - first.lineno + 1 if ast.get_docstring(function) else 0
    return function.end_lineno - function.lineno + 1 - said


def too_long():
    """Modules and functions beyond the limits whose docstrings do not say why, with their lines."""
    found = {}
    for path in LIBRARY:
        name = path.relative_to(ROOT / "analysis_lib").as_posix()
        lines = len(path.read_text("utf-8").splitlines())
        if lines > LONGEST_MODULE and REASON not in (ast.get_docstring(tree(path)) or ""):
            found[name] = lines
        for node in ast.walk(tree(path)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                if code_lines(node) > LONGEST_FUNCTION and REASON not in (ast.get_docstring(node) or ""):
                    found[f"{name}: {node.name}"] = code_lines(node)
    return found


def test_whatever_is_long_says_why():
    """A module of more than 350 lines, or a function of more than 50 without its docstring."""
    found = too_long()
    assert not found, f'split these, or begin a sentence of the docstring with "{REASON}": {found}'
