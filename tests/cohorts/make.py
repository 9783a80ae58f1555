"""Writes the three foreign cohorts beside this file. Every patient is invented; run it again and the same
files come out.

python tests/cohorts/make.py [FOLDER]
"""

import csv
import sys
from datetime import date, timedelta
from pathlib import Path
from random import Random

HERE = Path(__file__).parent
REGIONS = ["ZNS", "Hals", "Thorax", "Abdomen", "Becken", "Wirbelsäule", "Extremität"]
REMARKS = [
    "",
    "",
    "",
    "Zweitmeinung in Würzburg eingeholt",
    "Wünscht wohnortnahe Nachsorge",
    "Befund lag nur als Fax vor",
    "Übernahme aus der Tagesklinik",
    "Verlauf; siehe Arztbrief",
    "Angehörige gut erreichbar",
]


def course_of(random):
    """Days of one invented patient: failure, start of salvage, progression or None, last contact, whether
    dead.
    """
    failure = int(random.expovariate(1 / 95)) + 14
    salvage = failure + random.randint(2, 30)
    progression = salvage + int(random.expovariate(1 / 160)) + 7
    death = salvage + int(random.expovariate(1 / 330)) + 10
    last = min(death, salvage + random.randint(60, 1100))
    return failure, salvage, progression if progression < last else None, last, death <= last


def write(path, header, rows, delimiter=",", encoding="utf-8"):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding=encoding) as file:
        csv.writer(file, delimiter=delimiter, lineterminator="\r\n").writerows([header, *rows])


# --- klinik: German words, semicolons, decimal commas, Windows-1252 -------------------------------


def klinik(folder, random):
    patients, sites = [], []
    for number in range(62):
        case = f"F-{20417 + 37 * number}"
        infusion = date(2018, 11, 5) + timedelta(random.randint(0, 1500))
        failure, salvage, progression, last, dead = course_of(random)
        therapy = random.choices(["Bestrahlung", "Bestrahlung + System", "Systemtherapie"], [4, 4, 5])[0]

        def german(day):
            return "" if day is None else f"{infusion + timedelta(day):%d.%m.%Y}"

        patients.append(
            [
                case,
                random.choice(["Süd 3", "Süd 4", "Tagesklinik"]),
                german(0),
                random.choice(["Yescarta", "Yescarta", "Kymriah"]),
                random.choice(["ja", "nein", "nein", "unbekannt"]),
                random.choice(["CR", "CR", "PR", "PR", "SD", "PD"]),
                german(failure),
                random.choice(["lokal", "lokal und neu", "neu"]),
                german(salvage),
                therapy,
                german(progression),
                german(last),
                "ja" if dead else "nein",
                random.choice(["I", "II", "III", "IV", "IV"]),
                random.choice(["ja", "nein", "ja", ""]),
                random.choice(["0", "1", "1", "2", "3"]),
                str(random.randint(0, 4)),
                random.choice(REMARKS),
            ]
        )
        if therapy == "Systemtherapie" and number % 3:
            continue
        first = salvage if therapy != "Systemtherapie" else min(salvage + random.randint(20, 90), last)
        field = random.choice(["umfassend", "fokal"])
        for _ in range(random.choice([1, 1, 2])):
            fractions = random.choice([5, 10, 13, 15, 20])
            dose = {5: "20", 10: "30", 13: "32,5", 15: "37,5", 20: "40,05"}[fractions]
            local = first + random.randint(25, 300) if random.random() < 0.3 else None
            sites.append(
                [
                    case,
                    "1",
                    german(first),
                    field,
                    random.choice(REGIONS),
                    random.choice(["IMRT", "IMRT", "3D-CRT", "Elektronen"]),
                    dose,
                    str(fractions),
                    random.choice(["ja", "nein", ""]),
                    random.choice(["CR", "PR", "SD", "PD", "nicht beurteilbar"]),
                    german(local if local is None or local <= last else None),
                ]
            )
    write(
        folder / "patienten.csv",
        [
            "Fallnummer",
            "Station",
            "CAR-T-Infusion",
            "Präparat",
            "Überbrückung",
            "Bestes Ansprechen",
            "Rezidiv am",
            "Rezidivmuster",
            "Beginn Salvage",
            "Salvagetherapie",
            "Progress am",
            "Letzter Kontakt",
            "Verstorben",
            "Stadium",
            "LDH erhöht",
            "ECOG",
            "Extranodale Herde",
            "Bemerkung",
        ],
        patients,
        ";",
        "cp1252",
    )
    write(
        folder / "bestrahlungen.csv",
        [
            "Fallnummer",
            "Serie",
            "Beginn",
            "Zielvolumen",
            "Lokalisation",
            "Technik",
            "Gesamtdosis (Gy)",
            "Fraktionen",
            "Größe über 5 cm",
            "Ansprechen im Feld",
            "Lokalrezidiv am",
        ],
        sites,
        ";",
        "cp1252",
    )


# --- redcap: raw codes, repeating instruments, a checkbox, a missing-data code --------------------

DICTIONARY = [  # variable, form, type, label, choices, validation
    ("record_id", "baseline", "text", "Record ID", "", ""),
    ("mrn", "baseline", "text", "Hospital number", "", ""),
    ("cart_dt", "baseline", "text", "Date of CAR T infusion", "", "date_ymd"),
    ("product", "baseline", "dropdown", "Product", "1, axi-cel | 2, tisa-cel | 3, liso-cel", ""),
    (
        "bridge",
        "baseline",
        "checkbox",
        "Bridging",
        "1, None | 2, Steroids | 3, Chemotherapy | 4, Radiotherapy",
        "",
    ),
    (
        "resp",
        "baseline",
        "radio",
        "Best response",
        "1, Complete response | 2, Partial response | 3, Stable disease | 4, Progressive disease",
        "",
    ),
    ("relapse_dt", "baseline", "text", "Date of relapse or progression", "", "date_ymd"),
    ("salv_dt", "baseline", "text", "Start of salvage", "", "date_ymd"),
    (
        "salv_type",
        "baseline",
        "radio",
        "Salvage treatment",
        "10, Radiation only | 20, Radiation plus drugs | 30, Drugs only",
        "",
    ),
    ("pd_dt", "baseline", "text", "Progression after salvage", "", "date_ymd"),
    ("ps", "baseline", "radio", "ECOG", "1, 0 | 2, 1 | 3, 2 | 4, 3", ""),
    ("ann_arbor", "baseline", "radio", "Ann Arbor", "1, I | 2, II | 3, III | 4, IV", ""),
    ("ldh_high", "baseline", "yesno", "LDH above normal", "", ""),
    ("seen_dt", "baseline", "text", "Last seen or death", "", "date_ymd"),
    ("vital", "baseline", "radio", "Alive?", "0, Dead | 1, Alive", ""),
    ("comments", "baseline", "notes", "Comments", "", ""),
    ("rt_course", "rt_site", "text", "Course", "", "integer"),
    ("rt_dt", "rt_site", "text", "First fraction", "", "date_ymd"),
    ("rt_scope", "rt_site", "radio", "Scope", "1, All disease | 2, Part of the disease", ""),
    (
        "rt_where",
        "rt_site",
        "dropdown",
        "Where",
        "1, Brain or spine | 2, Head and neck | 3, Chest | 4, Abdomen | 5, Pelvis",
        "",
    ),
    ("rt_gy", "rt_site", "text", "Dose", "", "number"),
    ("rt_fx", "rt_site", "text", "Fractions", "", "integer"),
    ("rt_local_pd", "rt_site", "text", "Progression in the field", "", "date_ymd"),
    ("line_no", "therapy_line", "text", "Line", "", "integer"),
    ("line_dt", "therapy_line", "text", "Start", "", "date_ymd"),
    (
        "line_what",
        "therapy_line",
        "radio",
        "What",
        "1, Radiation | 2, Radiation plus drugs | 3, Drugs | 4, Allogeneic transplant",
        "",
    ),
]
LAYOUT = [
    "Variable / Field Name",
    "Form Name",
    "Section Header",
    "Field Type",
    "Field Label",
    "Choices, Calculations, OR Slider Labels",
    "Field Note",
    "Text Validation Type OR Show Slider Number",
    "Text Validation Min",
    "Text Validation Max",
    "Identifier?",
    "Branching Logic (Show field only if...)",
    "Required Field?",
    "Custom Alignment",
    "Question Number (surveys only)",
    "Matrix Group Name",
    "Matrix Ranking?",
    "Field Annotation",
]


def redcap(folder, random):
    header = ["record_id", "redcap_repeat_instrument", "redcap_repeat_instance", "redcap_data_access_group"]
    for form in ("baseline", "rt_site", "therapy_line"):
        for name, of, kind, *_ in DICTIONARY[1:]:
            if of == form:
                header += [f"{name}___{code}" for code in range(1, 5)] if kind == "checkbox" else [name]
        header.append(f"{form}_complete")
    rows = []

    def add(record, instrument="", instance="", **cells):
        cells |= {
            "record_id": record,
            "redcap_repeat_instrument": instrument,
            "redcap_repeat_instance": instance,
            "redcap_data_access_group": ["north", "south"][record % 2],
            f"{instrument or 'baseline'}_complete": 2,
        }
        rows.append([cells.get(name, "") for name in header])

    for record in range(1, 53):
        infusion = date(2019, 2, 1) + timedelta(random.randint(0, 1400))
        failure, salvage, progression, last, dead = course_of(random)

        def day(number):
            return "" if number is None else f"{infusion + timedelta(number):%Y-%m-%d}"

        kind = random.choice([10, 20, 30])
        bridge = random.choice([1, 2, 3, 4])
        add(
            record,
            mrn=f"MRN{random.randint(10**6, 10**7 - 1)}",
            cart_dt=day(0),
            product=random.choice([1, 1, 2, 3]),
            **{f"bridge___{code}": int(code == bridge) for code in range(1, 5)},
            resp=random.choice([1, 1, 2, 3, 4]),
            relapse_dt=day(failure),
            salv_dt=day(salvage),
            salv_type=kind,
            pd_dt=day(progression),
            ps=random.choice([1, 2, 2, 3, -99]),
            ann_arbor=random.choice([1, 2, 3, 4, 4]),
            ldh_high=random.choice([0, 1, ""]),
            seen_dt=day(last),
            vital=int(not dead),
            comments=random.choice(
                ["", "", "moved to Springfield", "sister is a nurse", "outside films requested"]
            ),
        )
        if kind != 30:
            scope = random.choice([1, 2])
            for instance in range(1, random.choice([2, 2, 3])):
                fractions = random.choice([5, 10, 12, 20])
                local = salvage + random.randint(30, 240) if random.random() < 0.25 else None
                add(
                    record,
                    "rt_site",
                    instance,
                    rt_course=1,
                    rt_dt=day(salvage),
                    rt_scope=scope,
                    rt_where=random.randint(1, 5),
                    rt_gy={5: 20, 10: 30, 12: 36, 20: 40}[fractions],
                    rt_fx=fractions,
                    rt_local_pd=day(local if local is None or local <= last else None),
                )
        add(record, "therapy_line", 1, line_no=1, line_dt=day(salvage), line_what={10: 1, 20: 2, 30: 3}[kind])
        if progression is not None and random.random() < 0.7:
            second = min(progression + random.randint(0, 20), last)
            add(
                record,
                "therapy_line",
                2,
                line_no=2,
                line_dt=day(second),
                line_what=random.choice([1, 3, 3, 4]),
            )
    write(folder / "export.csv", header, rows)
    write(
        folder / "dictionary.csv",
        LAYOUT,
        [
            [
                name,
                form,
                "",
                kind,
                label,
                choices,
                "",
                check,
                "",
                "",
                "y" if name == "mrn" else "",
                "",
                "",
                "",
                "",
                "",
                "",
                "",
            ]
            for name, form, kind, label, choices, check in DICTIONARY
        ],
    )


# --- three-columns: who, how long, whether --------------------------------------------------------


def three_columns(folder, random):
    rows = []
    for number in range(45):
        death, seen = random.expovariate(1 / 20), random.uniform(2, 48)
        rows.append([f"S{number + 301}", f"{min(death, seen):.1f}", int(death <= seen)])
    write(folder / "survival.csv", ["subject", "months", "died"], rows)


def make(folder=HERE):
    klinik(Path(folder) / "klinik", Random(20))
    redcap(Path(folder) / "redcap", Random(21))
    three_columns(Path(folder) / "three-columns", Random(22))


if __name__ == "__main__":
    make(*sys.argv[1:])
