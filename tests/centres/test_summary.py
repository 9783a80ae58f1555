"""The page README.txt of an export says all that is in it, of real patients too."""

from analysis_lib.analyses import auditor
from analysis_lib.centres import summary
from analysis_lib.cohort import disclosure
from analysis_lib.rows import results

from inventing import invent


def page(study, k):
    counts = [results.row(f"table1.{one}.all", "count", one) for one in (3, 8, 40)]
    rows = disclosure.protect_by(results.collect(counts), k)
    manifest = {
        "chapters": {
            "04_survival": {"status": "done", "rows": 3, "reason": ""},
            "05_radiotherapy": {"status": "skipped", "rows": 1, "reason": "no column"},
        },
        "endpoints": {"OS1": "death", "EFS1": "an event"},
        "rows_sha256": "cd" * 32,
        "software": {"salvage-book": "0.1.0", "code": "0123456789ab"},
    }
    return summary.summary(study, manifest, rows, auditor.audit(rows, k))


def test_of_real_patients_it_says_the_rule_what_is_hidden_and_what_the_auditor_found():
    text = page(invent(3, size=44), 5)
    said = " ".join(text.split())
    assert "numbers below 5 are not shown" in said and "In 1 of the 3 results something is hidden" in said
    assert "An auditor examined 3 counts" in said and "does not prove" in said
    assert "about 4" in said and "OS1 and EFS1" in said and "cd" * 32 in said
    assert "4 Survival (3)" in said and "for want of columns: 5 Radiotherapy" in said
    assert len(text.splitlines()) <= 66 and max(map(len, text.splitlines())) <= 100
