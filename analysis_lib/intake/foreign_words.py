"""Words by which hospitals in other languages name columns, levels, tables, moments and months."""

from __future__ import annotations

import re
import unicodedata

# What hospitals call the columns: English, German, French, Spanish and Italian words, separated by commas.
# Words such as "date" or "Datum" are left out of names before they are compared.
COLUMN_WORDS = {
    "patient_id": "id, mrn, patient, patient number, patient no, pat id, record id, study id, study number, "
    "case, case id, case number, subject, subject id, subject number, participant id, fallnr, "
    "fallnummer, patientennummer, patnr, "
    "pat nr, pid, numero patient, nip, ipp, paciente, numero paciente, historia clinica, "
    "paziente, codice paziente, codice",
    "infusion": "infusion, car t, car t infusion, cart infusion, infusion car t, t0, index, day 0, infusion "
    "des car t, infusione, infusione car t, "
    "infusion de car t, reinfusion, transfusion car t",
    "entry": "entry, study entry, delayed entry, late entry, left truncation, under observation since, "
    "studieneintritt, entree dans l etude, entrada en el estudio, ingresso nello studio",
    "last_follow_up": "last follow up, last contact, last seen, last seen or death, follow up, followup, "
    "fu, months, days, time, survival time, os, os time, futime, survival, dtime, "
    "letzter kontakt, letzte kontrolle, zuletzt gesehen, letztes follow up, "
    "nachbeobachtung, uberlebenszeit, zeit, "
    "dernieres nouvelles, date dernieres nouvelles, dernier contact, temps, ultimo "
    "contacto, ultimo seguimiento, tiempo, "
    "ultimo contatto, ultimo controllo, tempo",
    "vital_status": "status, vital status, alive, dead, died, death, event, censor, os event, os status, "
    "vitalstatus, verstorben, tot, lebensstatus, "
    "statut vital, deces, decede, estado vital, exitus, fallecido, stato vitale, stato, "
    "deceduto",
    "car_t_product": "product, car t product, cart product, praparat, produkt, car t produkt, produit, "
    "produit car t, producto, prodotto",
    "bridging_therapy": "bridging, bridge, bridging therapie, uberbruckung, uberbruckungstherapie, "
    "traitement d attente, terapia puente, terapia ponte",
    "bridging_radiotherapy": "bridging rt, bridging radiation, bridging bestrahlung, radiotherapie d "
    "attente, radioterapia puente",
    "first_assessment": "first response assessment, day 30 assessment, erste restaging, erstes staging, "
    "premiere evaluation",
    "best_response": "best response, response, bestes ansprechen, ansprechen, remission, meilleure reponse, "
    "reponse, mejor respuesta, "
    "respuesta, migliore risposta, risposta",
    "response": "response, first response, ansprechen, reponse, respuesta, risposta",
    "complete_response": "complete response, cr, complete remission, komplette remission",
    "death": "death, date of death, died, died on, dod, tod, todesdatum, todestag, sterbedatum, verstorben "
    "am, deces, date du deces, exitus, fecha de muerte, "
    "fecha de defuncion, defuncion, fallecimiento, decesso, data di morte, morte",
    "failure": "failure, relapse, relapse or progression, progression after car t, pfs, pfs time, "
    "progression free survival, efs, rfs, dfs, ttp, ttf, rtime, recur, "
    "time to progression, time to relapse, recurrence, rezidiv, rezidiv oder progress, ruckfall, "
    "rechute, recaida, recidiva, ricaduta",
    "failure_pattern": "pattern of failure, relapse pattern, relapse site, rezidivmuster, type de rechute, "
    "patron de recaida",
    "cd19_at_failure": "cd19, cd19 status, cd19 at relapse, cd19 bei rezidiv",
    "salvage_start": "salvage start, salvage, start of salvage, salvage therapy start, beginn salvage, "
    "beginn therapie, beginn salvagetherapie, "
    "therapiebeginn, debut rattrapage, debut du traitement, inicio rescate, inicio del "
    "rescate, inizio salvataggio",
    "salvage_regimen": "salvage given, salvage therapy, salvage treatment, salvage regimen, salvage type, "
    "regimen, salvagetherapie, therapie, therapieart, "
    "traitement de rattrapage, rattrapage, tratamiento de rescate, rescate, terapia di "
    "salvataggio",
    "progression": "progression, progression after salvage, pd, progress, progress nach salvage, "
    "progresion, progressione",
    "next_line": "next line, next therapy, second line, nachste linie, folgetherapie, ligne suivante, "
    "siguiente linea, linea successiva",
    "transplant": "transplant, allo, allosct, hsct, transplantation, allo tx, allogreffe, greffe, "
    "trasplante, trapianto",
    "over_60": "over 60, age over 60, older than 60, age 60, uber 60, alter uber 60, plus de 60 ans, mayor "
    "de 60, oltre 60",
    "cns_disease": "cns, cns involvement, zns, zns befall, snc, atteinte snc",
    "bulky_disease": "bulky, bulk, bulky disease, bulk 5 cm",
    "disease_sites": "number of sites, sites, n sites, befallene regionen, anzahl regionen, anzahl "
    "lasionen, nombre de sites, numero de sitios",
    "extranodal_sites": "extranodal, number of extranodal sites, n extranodal, extranodale herde, anzahl "
    "extranodal, sites extranodaux",
    "ecog": "ecog, ecog ps, performance status, ps, who ps, indice oms",
    "stage": "stage, ann arbor, ann arbor stage, stadium, stadium ann arbor, stade, stade ann arbor, "
    "estadio, stadio",
    "ldh_elevated": "ldh, elevated ldh, high ldh, ldh high, ldh erhoht, ldh elevee, ldh elevada, ldh elevata",
    "ipi": "ipi, ipi score, international prognostic index",
    "last_disease_status": "disease status, last disease status, status at last follow up, "
    "krankheitsstatus, letzter remissionsstatus, statut maladie",
    "course": "course, rt course, course number, serie, bestrahlungsserie, kurs, cours, curso, corso",
    "rt_start": "rt start, start, beginn, first fraction, radiotherapy start, radiation start, beginn rt, "
    "beginn bestrahlung, bestrahlungsbeginn, debut rt, "
    "debut radiotherapie, inicio rt, inicio radioterapia, inizio rt, inizio radioterapia",
    "rt_field": "field, rt field, comprehensive, feld, zielvolumen, champ, campo",
    "region": "region, site, body region, location, lokalisation, localisation, localizacion, sede",
    "technique": "technique, rt technique, technik, bestrahlungstechnik, tecnica",
    "dose_gy": "dose, dose gy, total dose, gesamtdosis, dosis, gesamtdosis gy, dose totale, dosis total, "
    "dose gy totale",
    "fractions": "fractions, number of fractions, n fractions, fx, fraktionen, anzahl fraktionen, seances, "
    "nombre de fractions, fracciones, frazioni",
    "bulky_site": "bulky site, bulky lesion, bulk, bulk 5 cm, bulky",
    "previously_irradiated": "previously irradiated, prior rt, re irradiation, vorbestrahlt, deja irradie, "
    "previamente irradiado, gia irradiato",
    "in_field_response": "in field response, local response, lokales ansprechen, ansprechen im feld, "
    "reponse locale, respuesta local, risposta locale",
    "in_field_progression": "in field progression, local failure, local progression, lokalrezidiv, progress "
    "im feld, rechute locale, progresion local",
    "line": "line, line number, linie, therapielinie, linie nr, ligne, linea",
    "line_start": "start, line start, beginn, linienbeginn, beginn der linie, debut, inicio, inizio",
    "modality": "modality, type, therapy, modalitat, therapieart, therapie, modalite, modalidad, modalita",
    "included": "included, eligible, eingeschlossen, inclus, incluido, incluso",
    "exclusion_reason": "exclusion reason, reason, ausschlussgrund, motif exclusion, motivo de exclusion, "
    "motivo esclusione",
}
# What hospitals call the levels.
LEVEL_WORDS = {
    "yes": "o, s, x, vorhanden, pos, positive, positiv",
    "no": "nicht vorhanden, neg, negative, negativ",
    "alive": "alive, living, lebt, lebend, am leben, vivant, vivante, vivo, viva, en vie, censored",
    "dead": "dead, deceased, died, death, tot, verstorben, gestorben, decede, decedee, mort, fallecido, "
    "fallecida, exitus, deceduto, deceduta, morto",
    "axi-cel": "axicel, yescarta, axicabtagene ciloleucel",
    "tisa-cel": "tisacel, kymriah, tisagenlecleucel",
    "liso-cel": "lisocel, breyanzi, lisocabtagene maraleucel",
    "other": "other, andere, anderes, autre, otro, altro",
    "CR": "cr, complete response, complete remission, komplette remission, vollremission, rc, reponse "
    "complete, respuesta completa, risposta completa",
    "PR": "pr, partial response, partial remission, partielle remission, teilremission, rp, reponse "
    "partielle, respuesta parcial, risposta parziale",
    "SD": "sd, stable disease, stable, stabil, stabile erkrankung, maladie stable, enfermedad estable, "
    "malattia stabile",
    "PD": "pd, progressive disease, progression, progress, maladie progressive, enfermedad progresiva, "
    "progressione",
    "not evaluable": "ne, not evaluable, nicht beurteilbar, non evaluable, no evaluable, non valutabile",
    "RT": "rt, radiotherapy, radiation, radiation only, bestrahlung, strahlentherapie, nur bestrahlung, "
    "radiotherapie, radioterapia",
    "CMT": "cmt, combined, combined modality, both, rt and systemic, beides, kombiniert, kombination, "
    "combine, combinado, combinata",
    "ST": "st, systemic, drugs, drugs only, systemic therapy, chemo, chemotherapy, systemtherapie, "
    "chemotherapie, systemique, sistemico, sistemica, quimioterapia",
    "HSCT": "hsct, allo, allosct, transplant, transplantation, allogreffe, trasplante, trapianto",
    "CAR T": "car t, cart, second car t, zweite car t",
    "local": "local, lokal, locale",
    "de novo": "de novo, new, neu, distant, nouveau, nuevo, nuovo",
    "local and de novo": "both, local and distant, lokal und neu, beides, local et de novo",
    "positive": "pos, positive, positiv, 1, positif, positivo, yes, ja",
    "negative": "neg, negative, negativ, 0, negatif, negativo, no, nein",
    "I": "1, i, stage i",
    "II": "2, ii, stage ii",
    "III": "3, iii, stage iii",
    "IV": "4, iv, stage iv",
    "comprehensive": "comprehensive, all sites, umfassend, alle herde, vollstandig, complet, completo",
    "focal": "focal, fokal, partial, teilweise, einzelne herde, partiel, parcial, parziale",
    "CNS": "cns, brain, zns, hirn, snc, sistema nervoso",
    "head and neck": "head and neck, neck, hals, kopf "
    "hals, kopf und hals, tete et "
    "cou, cabeza y cuello, testa "
    "collo",
    "chest": "chest, thorax, mediastinum, torace, torax",
    "abdomen": "abdomen, bauch, addome",
    "pelvis": "pelvis, becken, bassin, pelvi",
    "paraspinal": "paraspinal, wirbelsaule, spine, rachis, columna",
    "extremities": "extremities, extremity, limb, extremitat, extremitaten, membres, extremidades, arti",
    "3DCRT": "3d crt, 3dcrt, 3d, 3d konformal",
    "IMRT": "imrt, vmat, imrt vmat, tomotherapy",
    "electrons": "electrons, elektronen, electrones, elettroni",
}
TABLE_WORDS = {
    "patients": "patients, patient, patienten, pazienti, pacientes, baseline, main",
    "sites": "sites, rt, radiotherapy, radiation, rt sites, bestrahlung, bestrahlungen, strahlentherapie, "
    "radiotherapie, radioterapia",
    "lines": "lines, therapies, salvage lines, linien, therapielinien, therapien, lignes, lineas, linee",
    "screening": "screening, screened",
}
UNIT_WORDS = {
    "weeks": frozenset(
        "week weeks wk wks woche wochen semaine semaines semana semanas settimana settimane".split()
    ),
    "months": frozenset("month months mo mos monat monate monaten mois meses mese mesi".split()),
    "years": frozenset("year years yr yrs jahr jahre jahren annee annees an ans anno anni ano anos".split()),
}
MOMENT_WORDS = frozenset().union(*UNIT_WORDS.values()) | frozenset(
    "date datum fecha data dat dt day days "
    "tag tage jour jours dia dias giorno "
    "giorni month months mo monat monate "
    "monaten "
    "mois mes meses mese mesi of the der des die das du de la le del della am vom in "
    "since".split()
)


def plain(name: str) -> str:
    """Lower case without accents, words separated by a blank: ``CAR-T_Datum`` is ``car t datum``."""
    name = re.sub(r"(?<=[a-zäöü])(?=[A-Z])", " ", str(name)).lower().replace("ß", "ss")
    flat = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return " ".join(re.findall(r"[a-z]+|\d+", flat))


# What a column of identifiers is called; beside a running number it says whose several rows are.
OF_PATIENTS = frozenset(plain(each) for each in COLUMN_WORDS["patient_id"].split(","))
