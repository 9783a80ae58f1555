"""Whatever comes in: a cohort or one message, never another exception, no file changed and none left
behind.
"""

import datetime
import io
import os

import openpyxl
import pandas as pd
import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from analysis_lib.cohort.cohort import Cohort
from analysis_lib.cohort.problems import CohortError
from analysis_lib.dictionary import columns as dictionary
from analysis_lib.intake import manifest
from analysis_lib.intake.read import read_cohort
from analysis_lib.intake.tables import file_columns

# The same examples every time; FUZZ=5000 looks for new ones, that many a test, and stops at the first find
# without making it small.
MANY = int(os.environ.get("FUZZ", 0))
ALIKE = settings(
    derandomize=not MANY,
    phases=[Phase.generate] if MANY else list(Phase),
    database=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.data_too_large,
    ],
)


def examples(number):
    return settings(ALIKE, max_examples=MANY or number)


WORDS = [
    *dictionary.EMPTY,
    *dictionary.YES_NO,
    *dictionary.WORDS["yes"],
    "alive",
    "dead",
    "tot",
    "RT",
    "cmt",
    "III",
    "#REF!",
    "=1+1",
    "+",
    "0",
    "1",
    "2",
    "1.0",
    "-1",
    "12",
    "100",
    "1,5",
    "1.5",
    "1.234",
    "1,234",
    "1.234,5",
    "1e5",
    "1e999",
    "inf",
    "99999999999999999999",
    "2021-03-28",
    "28.03.2021",
    "03/04/2021",
    "2021-03-28T10:00:00Z",
    "44283",
    "31.12.9999",
    "0001-01-01",
    "9999-12-31",
    "A",
    "ä",
    "\u00a0",
    "<script>",
    "' OR 1=1",
    "٣",
]
CELL = st.one_of(st.sampled_from(WORDS), st.text(max_size=6), st.integers(-10, 40000).map(str))
FINE = {
    "patient_id": st.sampled_from("ABCDEFGH"),
    "vital_status": st.sampled_from(["alive", "dead", "tot", "1"]),
    "course": st.sampled_from("12"),
    "line": st.sampled_from("123"),
    "modality": st.sampled_from(["RT", "ST", "CMT"]),
}
COLUMNS = {name: [*file_columns(name), "Fallnr", "note", ""] for name in dictionary.TABLES}
REQUIRED = {
    name: [column for column, rule in table.columns.items() if rule.required]
    for name, table in dictionary.TABLES.items()
}


def plausible(column):
    """Cells that mostly fit a column."""
    fit = FINE[column] if column in FINE else CELL
    if column.endswith(("_day", "_date")):
        fit = (
            st.integers(0, 2000).map(str)
            if column.endswith("_day")
            else st.dates(datetime.date(2015, 1, 1)).map(str)
        )
    return st.one_of(*[fit] * 6, CELL)


@st.composite
def tables(draw, name):
    columns = [*REQUIRED[name], *draw(st.lists(st.sampled_from(COLUMNS[name]), max_size=8))]
    columns = draw(st.permutations(columns)) if draw(st.booleans()) else columns
    rows = draw(st.integers(0, 6))
    return [list(columns), *([draw(plausible(column)) for column in columns] for _ in range(rows))]


def as_bytes(rows, form, separator, encoding):
    """A table in one of the formats; what a format cannot hold is left out of it."""
    if form == "xlsx":
        book, out = openpyxl.Workbook(), io.BytesIO()
        for row in rows:
            book.active.append(
                [
                    int(cell)
                    if cell.isascii() and cell.isdigit() and len(cell) < 9
                    else openpyxl.cell.cell.ILLEGAL_CHARACTERS_RE.sub("", cell)
                    for cell in row
                ]
            )
        book.save(out)
        return out.getvalue()
    frame, out = pd.DataFrame(rows[1:], columns=rows[0], dtype="string"), io.BytesIO()
    if form == "parquet":
        frame.loc[:, ~frame.columns.duplicated()].to_parquet(out)
        return out.getvalue()
    return frame.to_csv(sep=separator, index=False).encode(encoding, errors="replace")


def files_of(folder):
    return {
        path.relative_to(folder): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")
    }


def a_cohort_or_one_message(folder, where):
    before = files_of(folder)
    try:
        study = read_cohort(where)
    except CohortError as error:
        assert (error.problems["severity"] == "error").any() and len(str(error)) > 20
        assert (
            error.problems["concern"].str.len().min() > 5 and error.problems["suggestion"].str.len().min() > 5
        )
        str(error).encode("utf-8")
    else:
        assert isinstance(study, Cohort) and len(study.patients)
        assert (study.patients["last_follow_up_day"] >= 0).all() and study.patients["patient_id"].is_unique
        assert set(study.patients["vital_status"]) <= {"alive", "dead"}
    assert files_of(folder) == before


@pytest.fixture
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


def emptied(folder):
    for path in folder.iterdir():
        path.unlink()
    return folder


@examples(60)
@given(
    content=st.one_of(
        st.binary(max_size=300),
        st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")),
        st.sampled_from(
            [b"PK\x03\x04", b"PAR1", b"\xff\xfe", b"\xef\xbb\xbf", b"\xfe\xff", b"sep=;\n"]
        ).flatmap(lambda start: st.binary(max_size=200).map(lambda rest: start + rest)),
    ),
    name=st.sampled_from(["p.csv", "p.tsv", "p.txt", "p.xlsx", "p.parquet", "p.xls", "cohort.yml"]),
)
def test_any_bytes_in_any_file(folder, content, name):
    emptied(folder)
    (folder / name).write_bytes(content)
    a_cohort_or_one_message(folder, folder / name)


# a share of the file, whose length in Excel is another at another time
PLACE = st.floats(0, 1, exclude_max=True)


@examples(40)
@given(
    rows=tables("patients"),
    form=st.sampled_from(["csv", "csv", "xlsx", "parquet"]),
    kept=st.just(1) | PLACE,
    others=st.lists(st.tuples(PLACE, st.integers(0, 255)), max_size=6),
)
def test_a_file_of_which_some_bytes_are_others(folder, rows, form, kept, others):
    emptied(folder)
    whole = bytearray(as_bytes(rows, form, ",", "utf-8"))
    for place, byte in others:
        whole[int(place * len(whole))] = byte
    (folder / f"p.{form}").write_bytes(whole[: int(kept * len(whole))])
    a_cohort_or_one_message(folder, folder / f"p.{form}")


@examples(100)
@given(
    data=st.data(),
    form=st.sampled_from(["csv", "csv", "csv", "xlsx", "parquet"]),
    separator=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    unit=st.sampled_from(["days", "months"]),
    date_format=st.sampled_from(["ISO8601", "%d.%m.%Y", "%m/%d/%Y", "%d-%b-%y"]),
)
def test_any_tables_with_plausible_columns(folder, data, form, separator, encoding, unit, date_format):
    emptied(folder)
    names = ["patients", *data.draw(st.lists(st.sampled_from(["sites", "lines", "screening"]), unique=True))]
    for name in names:
        (folder / f"{name}.{form}").write_bytes(as_bytes(data.draw(tables(name)), form, separator, encoding))
    (folder / "cohort.yml").write_text(
        yaml.safe_dump(
            {
                "tables": {name: f"{name}.{form}" for name in names},
                "time_unit": unit,
                "date_format": date_format,
                "values": {"patients": {"vital_status": {"tot": "dead", "1": "alive"}}},
            }
        ),
        "utf-8",
    )
    a_cohort_or_one_message(folder, folder)


SAID = st.one_of(
    st.sampled_from(
        [
            *dictionary.TABLES,
            *manifest.MANIFEST_KEYS,
            "p.csv",
            "../p.csv",
            "p.csv#x",
            "/",
            "~",
            "~nobody",
            "\0",
            "days",
            "true",
            "",
            "stage",
            "vital_status",
            "Status",
            "%d.%m.%Y",
            "%Y",
            "%",
            "stage == 'I'",
            "ecog <",
        ]
    ),
    st.text(max_size=8),
)
NESTED = st.recursive(
    SAID,
    lambda below: st.one_of(st.lists(below, max_size=3), st.dictionaries(SAID, below, max_size=3)),
    max_leaves=8,
)
SUBSET = st.lists(
    st.sampled_from(
        [
            "ecog",
            "stage",
            "last_follow_up_day",
            "'I'",
            "2",
            "-",
            "(",
            ")",
            "[",
            "]",
            ",",
            "<",
            "==",
            "!=",
            "in",
            "not",
            "and",
            "or",
            ">",
            "@",
            ".",
            "is",
            "None",
            "True",
            "1e9",
            "~",
            "&",
            "*",
            "**",
            "9",
            "if",
            "else",
            ":=",
            "lambda",
        ]
    ),
    min_size=1,
    max_size=7,
).map(" ".join)


@examples(100)
@given(
    given_keys=st.dictionaries(st.sampled_from(list(manifest.MANIFEST_KEYS)), NESTED, max_size=4),
    subset=st.none() | SUBSET,
    columns=st.none()
    | st.dictionaries(SAID, st.sampled_from(["ecog", "stage", "failure_date", "x"]), max_size=2),
    usual=st.booleans(),
)
def test_any_manifest(folder, given_keys, subset, columns, usual):
    emptied(folder)
    (folder / "p.csv").write_text(
        "patient_id,last_follow_up_day,vital_status,ecog,stage\nA,5,dead,1,I\nB,6,alive,,II\n", "utf-8"
    )
    told = (
        given_keys
        | ({"tables": {"patients": "p.csv"}} if usual else {})
        | ({"subset": subset} if subset else {})
    )
    told |= {"columns": {"patients": columns}} if columns else {}
    (folder / "cohort.yml").write_bytes(yaml.safe_dump(told, allow_unicode=True).encode("utf-8", "replace"))
    a_cohort_or_one_message(folder, folder / "cohort.yml")


@examples(40)
@given(text=st.text(alphabet=st.sampled_from("tables: {}[]patients.csv-&*!|>'\"#%@\n\t \\uU0"), max_size=80))
def test_any_text_as_a_manifest(folder, text):
    emptied(folder)
    (folder / "cohort.yml").write_text(text, "utf-8")
    a_cohort_or_one_message(folder, folder)


@examples(40)
@given(
    where=st.one_of(
        st.text(max_size=20),
        st.sampled_from(["~nobody", "~", "\0", "a" * 5000, ".", "/", "", "reconstructed/", "cohort.yml"]),
    )
)
def test_any_name_of_a_cohort(where):
    try:
        read_cohort(where)
    except CohortError as error:
        assert len(str(error)) > 20
