"""Factors of a hospital's own: what a cohort.yml may declare, what it is told, and where they then stand."""

from dataclasses import replace

import pandas as pd
import pytest

from analysis_lib.analyses import cox_models, prognosis, table_1, validation, weighting
from analysis_lib.binding import data_dictionary, leaks, paragraphs
from analysis_lib.cohort.problems import CohortError
from analysis_lib.dictionary import columns, factors
from analysis_lib.intake import propose, starter
from analysis_lib.intake.own_factors import OwnFactor, as_factor
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows import results
from analysis_lib.show import sentences, tables

ROWS = 60
HEAD = "patient_id,last_follow_up_day,vital_status,gene,age"


def cells(n):
    gene = ("low", "middle", "HIGH", "")[n % 4]
    return f"P{n:02},{100 + 37 * n},{'dead' if n % 3 else 'alive'},{gene},{40 + n % 30}"


def write(folder, factors, more="", table=None):
    lines = table or [HEAD, *map(cells, range(1, ROWS + 1))]
    (folder / "p.csv").write_text("\n".join(lines) + "\n", "utf-8")
    path = folder / "cohort.yml"
    path.write_text(
        f"tables: {{patients: p.csv}}\nindex_event: study entry\n{more}\nfactors:\n{factors}\n", "utf-8"
    )
    return path


def told(folder, factors, **options):
    with pytest.raises(CohortError) as caught:
        read_cohort(write(folder, factors, **options))
    return str(caught.value)


GENE = "  gene: {label: Gene expression, levels: [low, middle, high], reference: middle}\n"
AGE = "  age: {label: Age at entry, number: years, per: 10, lowest: 18, highest: 100}\n"


@pytest.fixture
def study(tmp_path):
    return read_cohort(write(tmp_path, GENE + AGE, "synthetic: true"))


# --- where they stand -----------------------------------------------------------------------------


def test_they_are_read_as_levels_and_numbers(study):
    assert list(study.patients["gene"].dtype.categories) == ["low", "middle", "high"]
    assert study.patients["gene"].value_counts().to_dict() == {"low": 15, "middle": 15, "high": 15}
    assert study.patients["age"].max() == 69
    assert [each.column for each in study.own_factors] == ["gene", "age"]


def test_they_join_table_1_curves_single_factors_and_models(study):
    counted = table_1.table_1(study).set_index("result_id")
    assert counted.loc["table1.gene.high.all", ["events", "n"]].tolist() == [15, ROWS]
    assert counted.loc["table1.gene.missing.all", "events"] == 15
    assert counted.loc["table1.age.median.all", "value"] == study.patients["age"].median()
    single = prognosis.univariable(study, "OS1", prognosis.factors_of(study, "OS1"))
    assert {"os1.logrank.gene", "cox.os1.uv.gene.low", "cox.os1.uv.gene.high", "cox.os1.uv.age"} <= set(
        single["result_id"]
    )
    model = cox_models.multivariable(study, "OS1", prognosis.factors_of(study, "OS1", "together"))
    groups = model.set_index("result_id")["group"]
    assert groups["cox.os1.mv.age"] == "Age at entry (per 10 years)"
    assert groups["cox.os1.mv.gene.high"] == "Gene expression: high, not middle"
    drawn = prognosis.curves_by_own(study)
    assert [rows.attrs["label"] for rows in drawn] == ["Gene expression"]
    assert prognosis.adjusted(study)["OS1"] == ["gene", "age"]
    assert not results.skip_reason(validation.models_of(study, {"OS1": ["gene", "age"]}))


def test_a_hazard_ratio_is_that_of_the_units_asked_for(study):
    ten = cox_models.cox(study, "OS1", ["age"], "uv").set_index("result_id").loc["cox.os1.uv.age"]
    plain = replace(
        study, factors=tuple(replace(each, per=1.0) if each.number else each for each in study.factors)
    )
    one = cox_models.cox(plain, "OS1", ["age"], "uv").set_index("result_id").loc["cox.os1.uv.age"]
    for name in ("value", "lower", "upper"):
        assert ten[name] == pytest.approx(one[name] ** 10, rel=1e-9)


@pytest.mark.parametrize(
    ("unit", "per", "said"),
    [
        ("nodes", 1, "Nodes (per node)"),
        ("years", 10, "Nodes (per 10 years)"),
        ("mmHg", 1, "Nodes (per mmHg)"),
        ("fmol/l", 1, "Nodes (per fmol/l)"),
    ],
)
def test_a_ratio_of_one_unit_says_one(tmp_path, unit, per, said):
    (tmp_path / "p.csv").write_text(
        "patient_id,last_follow_up_day,vital_status,nodes\nA,20,dead,1\nB,30,alive,2\n"
    )
    (tmp_path / "cohort.yml").write_text(
        "name: small\ntables: {patients: p.csv}\n"
        f"factors: {{nodes: {{label: Nodes, number: {unit}, per: {per}}}}}\n"
    )
    assert read_cohort(tmp_path).term_label("nodes") == said


def test_every_test_of_a_single_factor_counts_in_the_correction(study):
    single = prognosis.univariable(study, "OS1", ["gene", "age"])
    by_id = single.set_index("result_id")["value"]
    assert single.set_index("result_id").loc["os1.uv.small_p", "n"] == 2
    after = prognosis.holm(single, "OS1").set_index("result_id")["value"]
    raw = sorted([by_id["os1.logrank.gene"], by_id["cox.os1.uv.age.p"]])
    assert min(after["os1.holm.gene"], after["os1.holm.age"]) == pytest.approx(min(1, 2 * raw[0]))


def test_the_tables_of_a_page_name_the_reference(study, capsys):
    tables.factor_table(prognosis.univariable(study, "OS1", ["gene", "age"]), "OS1", "OS1.")
    shown = capsys.readouterr().out
    assert "Gene expression: low, not middle" in shown and "Age at entry (per 10 years)" in shown
    tables.characteristics(table_1.table_1(study), "Characteristics.")
    assert "median (quartiles), years" in capsys.readouterr().out


def test_small_numbers_of_real_patients_are_hidden(tmp_path):
    real = read_cohort(write(tmp_path, GENE + AGE))
    assert real.min_cell_count == 5
    rows = table_1.table_1(real)
    assert set(rows["events"].dropna()) <= {7, 12, 17, 22, 37, 42}
    single = prognosis.univariable(real, "OS1", ["gene", "age"]).set_index("result_id")
    for name, value in single["value"].dropna().items():
        if name.endswith(".p") or ".logrank." in name:
            assert len(f"{value:.10f}".strip("0.")) <= 1, name
    few = [HEAD, *(cells(n).replace("HIGH", "low") if n > 9 else cells(n) for n in range(1, ROWS + 1))]
    real = read_cohort(write(tmp_path, GENE + AGE, table=few))
    assert "too few patients" in results.skip_reason(cox_models.cox(real, "OS1", ["gene"], "uv"))
    assert pd.isna(table_1.table_1(real).set_index("result_id").loc["table1.gene.high.all", "events"])


def test_the_choice_of_treatment_may_have_rested_on_them():
    study = read_cohort("reconstructed")
    gene = as_factor("gene", OwnFactor(levels=["low", "mid", "high"], known="salvage"))
    age = as_factor("age", OwnFactor(number="years", known="salvage"))
    patients = study.patients.assign(
        gene=pd.Categorical([("low", "mid", "high")[n % 3] for n in range(len(study.patients))]),
        age=[40.0 + n % 31 for n in range(len(study.patients))],
    )
    mine = replace(study, patients=patients, factors=(*study.factors, gene, age))
    frame = weighting.prepare(mine)
    assert {"gene", "age"} <= set(frame.attrs["factors"])
    balance = weighting.balance(mine, frame).set_index("result_id")["value"]
    for term in ("gene.mid", "gene.low", "age", "advanced_stage"):
        assert abs(balance[f"balance.{term}.overlap"]) < 1e-6, term
    compared = weighting.compare(frame).set_index("result_id")["value"]
    before = weighting.compare(weighting.prepare(study)).set_index("result_id")["value"]
    assert compared["weighted.os2.adjusted"] != pytest.approx(before["weighted.os2.adjusted"])
    assert compared["weighted.os2.crude"] == pytest.approx(before["weighted.os2.crude"])


def test_a_factor_that_is_known_at_salvage_stands_in_no_comparison_from_day_0():
    late = as_factor("gene", OwnFactor(levels=["low", "high"], known="salvage"))
    assert late.alone == late.together == late.curves == ("OS2", "EFS2")
    early = as_factor("gene", OwnFactor(levels=["low", "high"]))
    assert early.alone == ("OS1", "EFS1", "OS2", "EFS2") and early.curves == ("OS1", "EFS1")


def test_the_study_declares_its_factors_once():
    assert [each.column for each in factors.BUILT_IN if "OS2" in each.together] == [
        "advanced_stage",
        "ldh_elevated",
    ]
    assert len({each.column for each in factors.BUILT_IN}) == len(factors.BUILT_IN)


# --- what is told ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("stage: {levels: [I, II]}", "the data dictionary has a column of this name"),
        ("advanced_stage: {levels: [a, b]}", "the data dictionary has a column of this name"),
        ("days: {number: d}", "the book uses this name itself"),
        ("os1: {number: d}", "the book uses this name itself"),
        ("Gene X: {levels: [a, b]}", "this name cannot be used for a column"),
        ("gene_day: {number: days}", "this name cannot be used for a column"),
        ("class: {levels: [a, b]}", "this name cannot be used for a column"),
        ("gene: {label: Gene}", "it needs levels or a number, one of the two"),
        ("gene: {levels: [a, b], number: x}", "it needs levels or a number, one of the two"),
        ("gene: {levels: [a]}", "it has 1 level"),
        ('gene: {levels: ["+", "-"]}', "a level cannot be called '-'"),
        ("gene: {levels: [A, a]}", "the levels 'A' and 'a' have the same letters and digits"),
        ("gene: {levels: [a, missing]}", "a level cannot be called 'missing'"),
        ("gene: {levels: [a, b], reference: c}", "the reference 'c' is none of its levels"),
        ("gene: {levels: [a, b], lable: Gene}", "unknown key 'lable'. Did you mean 'label'?"),
        ("gene: {levels: [a, b], known: day 30}", "'known' is 'day 30'"),
        ("gene: {levels: [a, b], alone: [OS3]}", "'alone' names 'OS3'"),
        (
            "gene: {levels: [a, b], known: salvage, together: [OS1]}",
            "'together' names OS1, whose clock starts before the factor is known",
        ),
        ("gene: {levels: [a, b], per: 10}", "'per' is for a number"),
        ("gene: {number: years, per: ten}", "'per' is not written as expected"),
        ("gene: {number: years, per: 0}", "'per' must be a number above 0"),
        ("gene: {number: years, lowest: 9, highest: 1}", "'lowest' is not below 'highest'"),
        ("gene: {number: years, curves: [OS1]}", "'curves' is for levels"),
        ("gene: {levels: [a, b], table_1: maybe}", "'table_1': it must be true or false"),
        ('gene: {label: "$x$", levels: [a, b]}', "'$x$' cannot be shown"),
        ('gene: {label: "{os1.median}", levels: [a, b]}', "'{os1.median}' cannot be shown"),
        ("gene: levels", "it must hold entries such as `this: that`"),
        ("gene: {levels: [a, b]}\n  genes: {label: Gene, levels: [a, b]}", "its label is that of 'gene'"),
        ("marker: {levels: [a, b]}", "`factors:` declares this column, and the file does not have it"),
    ],
)
def test_what_cannot_be_is_told_in_words(tmp_path, entry, said):
    assert said in " ".join(told(tmp_path, f"  {entry}").split())


def test_all_of_it_is_told_at_once(tmp_path):
    said = told(tmp_path, "  stage: {levels: [I]}\n  gene: {levels: [a, b], reference: z, alone: [OS9]}")
    for each in ("has a column of this name", "it has 1 level", "is none of its levels", "names 'OS9'"):
        assert each in said


def test_a_value_that_is_no_level_and_a_number_out_of_bounds_are_told_with_their_cells(tmp_path):
    rows = [HEAD, *map(cells, range(1, ROWS + 1))]
    rows[2] = rows[2].replace("HIGH", "odd")
    rows[5] = rows[5].rpartition(",")[0] + ",450"
    said = told(tmp_path, GENE + AGE, table=rows)
    assert "it must be one of low, middle, high" in said and "odd" in said
    assert "it must lie between 18.0 and 100.0 years" in said and "450" in said


def test_a_level_that_elsewhere_means_not_known_is_a_level_where_it_is_declared(tmp_path):
    rows = [HEAD, *(cells(n).replace("middle", "None") for n in range(1, ROWS + 1))]
    path = write(tmp_path, "  gene: {levels: [none, low, high]}", "synthetic: true", table=rows)
    assert read_cohort(path).patients["gene"].value_counts()["none"] == 15


# --- words of a hospital are data -----------------------------------------------------------------

HOSTILE = "<img src=x> [y](http://z) *b* & \"q\" 'a'"


def test_a_label_is_never_markup(tmp_path, capsys):
    entry = f"  gene: {{label: '{HOSTILE.replace(chr(39), chr(39) * 2)}', levels: [low, middle, high]}}"
    study = read_cohort(write(tmp_path, entry, "synthetic: true"))
    rows = prognosis.univariable(study, "OS1", ["gene"])
    tables.factor_table(rows, "OS1", "OS1.")
    tables.characteristics(table_1.table_1(study), "Characteristics.")
    assert "<img" not in capsys.readouterr().out.partition("application/")[0]
    said = sentences.sentence(rows, "{os1.logrank.gene:group}")
    assert r"\<img" in said and r"\[y\](http" in said and r"\*b\*" in said
    text = paragraphs.results_text(study, results.collect(prognosis.curves_by_own(study)))
    assert "<img src=x> [y]" in text  # for a block that is shown as it stands, and for a file of text
    page = data_dictionary.page([study])
    assert "<img" not in page and "&lt;img" in page


# --- the tools around it --------------------------------------------------------------------------


def test_the_dictionary_page_tells_of_them(study):
    page = data_dictionary.page([study])
    assert "Factors of the cohort" in page and "low; middle; high" in page and "from 18 to 100" in page
    ours = page.partition("Factors of the cohort")[2].partition("## What a file may say")[0]
    assert "OS1" in ours and "OS2" not in ours and "EFS" not in ours  # endpoints that this cohort has
    assert "Factors of the cohort" not in data_dictionary.page([read_cohort("lymphoma")])


def test_the_starter_explains_them_and_its_example_can_be_used():
    text = starter.manifest("ours")
    assert "#factors:" in text and "#   reference:" in text


def test_columns_that_nobody_knows_are_proposed_as_factors(tmp_path):
    lines = ["id,Days,Dead,Gene X,Marker (U/l),Remark"]
    lines += [
        f"P{n:02},{100 + 3 * n},{n % 2},{('low', 'high')[n % 2]},{n * 1.5},said number {n}"
        for n in range(1, 40)
    ]
    (tmp_path / "their.csv").write_text("\n".join(lines) + "\n")
    said = propose.propose([tmp_path / "their.csv"])
    assert (
        '#  gene_x: {"label"' not in said and '#  gene_x: {label: "Gene X", levels: ["high", "low"]}' in said
    )
    assert 'number: "UNIT"' in said and "said number" not in said
    assert '"Gene X": gene_x' in said


def test_the_leak_scan_knows_declared_levels_from_what_a_cell_says(tmp_path):
    rows = [HEAD, *map(cells, range(1, ROWS + 1))]
    rows[2] = rows[2].replace("HIGH", "Burkitt like")
    entry = "  gene: {levels: [low, middle, high, Burkitt like]}"
    path = write(tmp_path, entry, table=rows)
    found = leaks.needles(read_cohort(path), path)
    assert not any("burkitt" in key[1] for key in found if key[0] == "words")


def test_names_of_the_dictionary_are_names_of_no_factor():
    assert not {each.column for each in factors.BUILT_IN} & set(columns.SITES.columns)
