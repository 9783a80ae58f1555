"""Cohorts x chapters -> executed notebooks -> a static HTML book."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, as_completed
from functools import partial
from pathlib import Path

from analysis_lib.analyses.auditor import Certificate
from analysis_lib.binding import (
    certified,
    chapter,
    chapters,
    engines,
    first_page,
    kernels,
    leak_review,
    leaks,
    pages,
    place,
    ready,
    reuse,
)
from analysis_lib.binding.contents import write_contents
from analysis_lib.binding.outcome import BuildError, Outcome
from analysis_lib.binding.rendering import render, waiting
from analysis_lib.binding.reuse import GENERATED
from analysis_lib.cohort import disclosure, overlap
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.files import places, replacing
from analysis_lib.files.places import BUNDLED, NOTEBOOKS, ROOT
from analysis_lib.intake.manifest import locate
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows import results


def read_all(wheres: Iterable[str | Path]) -> dict[Path, Cohort]:
    """Read every cohort before anything runs; two of one name would share a folder and are refused."""
    studies = {locate(where): read_cohort(where) for where in wheres}
    names = [study.name for study in studies.values()]
    for name in names:
        if names.count(name) > 1:
            raise BuildError(
                f"Two of these cohorts are called {name!r}. Give each cohort.yml a name of its own."
            )
    return studies


def check_parameters(parameters: dict) -> None:
    """Refuse a parameter that no chapter takes, and those that the build itself sets."""
    known = {name for each in chapters.chapters() for name in chapters.parameters_of(each)} - set(
        chapters.OWN_PARAMETERS
    )
    unknown = sorted(set(parameters) - known)
    if unknown:
        raise BuildError(
            f"No chapter takes a parameter {', '.join(map(repr, unknown))}. "
            f"There {'are' if len(known) > 1 else 'is'}: {', '.join(sorted(known)) or 'none'}."
        )


def build(
    wheres: list[str],
    out: Path | None = None,
    jobs: int = 2,
    parameters: dict | None = None,
    report: Callable[[Outcome, int], None] = lambda outcome, total: None,
    fresh: bool = False,
    executor: str = engines.LOCAL,
) -> list[Outcome]:
    """Build the book of some cohorts.

    Parameters
    ----------
    wheres : list of str
        Cohorts, as :func:`analysis_lib.intake.read.read_cohort` takes them.
    out : Path, optional
        Folder for the book (``html/``), its notebooks and result rows (``source/``); the checkout stays as it
        is. Without it this must be a checkout, and the cohorts the bundled ones, whose ``_toc.yml`` is
        committed: notebooks and rows go to ``book/cohorts``, the book to ``_build/html``.
    jobs : int
        How many notebooks run at a time.
    parameters : dict, optional
        Further parameters for the chapters that take them (``{"alpha_beta": 3}``).
    report : callable
        Called with each outcome as it comes, and how many there will be.
    fresh : bool
        Whether to forget what earlier builds in this place have made. Otherwise a chapter runs only when
        something it is made from has changed (:mod:`analysis_lib.binding.reuse`).
    executor : str
        Where notebooks run (:func:`analysis_lib.binding.engines.executor`).

    Returns
    -------
    list of Outcome
        One a chapter and cohort, in their order. When one failed there is no new book. Until a new one is
        whole and has passed the leak scan, an older one stays as it was; a build that is killed leaves it,
        too (:mod:`analysis_lib.files.replacing`).

    Raises
    ------
    CohortError, BuildError, OverlapError
        Before anything is run or removed, if a cohort, a parameter or the place is wrong, or an earlier book
        together with this one would tell of a few patients; if another build writes there; if a hidden number
        follows from those shown (:mod:`analysis_lib.binding.certified`); or if the HTML does not build
        cleanly or holds anything of the input (:mod:`analysis_lib.binding.leaks`).
    """
    parameters = parameters or {}
    made_from = reuse.of_book(wheres, parameters)
    as_read = {path: reuse.of_cohort(path) for path in map(locate, wheres)}
    studies = read_all(wheres)
    check_parameters(parameters)
    check_place(out, studies)
    for folder, together in remembered(studies).items():
        overlap.refuse(together, folder)
    target = out or ROOT / "_build"
    store = target / reuse.KEPT
    with at_work(target, ours=out is not None) as work:
        if fresh:
            shutil.rmtree(store, ignore_errors=True)
        source = stage(work / "source") if out else ROOT
        for name in GENERATED:
            shutil.rmtree(source / "book" / name, ignore_errors=True)
        runs = plan(studies, as_read, source / "book" / "cohorts", parameters)
        found: dict[tuple[str, str], Outcome] = {}
        unscanned = []
        for run, mark, outcome in run_all(runs, studies, jobs, store, executor):
            report(outcome, len(runs))
            found[outcome.cohort, outcome.chapter] = outcome
            if studies[run.manifest].synthetic:
                reuse.keep(store, run, mark, outcome)
            else:
                unscanned.append((run, mark, outcome))
        outcomes = [found[run.cohort, run.chapter] for run in runs]
        if not any(outcome.status == "failed" for outcome in outcomes):
            bind(studies, outcomes, source, work / "html", store, as_read)
            for made in unscanned:
                reuse.keep(store, *made)
            for folder, together in remembered(studies).items():
                overlap.release(together, folder, "book")
            if out:
                put_in_place(work, out)
            else:
                replacing.replace(work, target, ("html",))
            if made_from == reuse.of_book(wheres, parameters):
                reuse.note(target, made_from, outcomes)
    return outcomes


@contextlib.contextmanager
def at_work(target: Path, ours: bool = True) -> Iterator[Path]:
    """Hold the folder of a book for this process, and give a folder in it to work in.

    Parameters
    ----------
    target : Path
        The folder.
    ours : bool
        Whether it is for books alone; it is then marked as such (:mod:`analysis_lib.binding.place`).

    Raises
    ------
    BuildError
        If another build is at work there, or nothing can be written.
    """
    try:
        with replacing.alone(target):
            if ours:
                place.mark(target)
            with replacing.workshop(target) as work:
                yield work
    except replacing.Busy:
        raise BuildError(
            f"Another build is writing to {target}. Wait until it has ended, or choose another --out."
        ) from None
    except BrokenPipeError:
        raise  # it is our words that nobody reads: nothing is wrong with the place
    except OSError as error:
        where = f", at {error.filename}" if error.filename else ""
        raise BuildError(
            f"The book cannot be written to {target} ({error.strerror or error}{where}). If there was one, "
            f"it is as it was. Choose a folder in which you may write as --out, on a disk that has room."
        ) from None


def put_in_place(work: Path, out: Path) -> None:
    """Put a finished book, ``html`` and ``source``, in the place of an old one, both or none."""
    place.record(work)
    replacing.replace(work, out, place.PARTS)


def bind(
    studies: dict[Path, Cohort],
    outcomes: list[Outcome],
    source: Path,
    html: Path,
    store: Path,
    as_read: dict[Path, dict],
) -> None:
    """Make HTML of the chapters' pages and those on them, and look for leaks; if there is one, nothing of it
    is kept.
    """
    made = partial(reuse.made, store, studies, as_read, library=reuse.as_it_is())
    with waiting(store / "sphinx") as jupyter_book:
        pages.write(list(studies.values()), outcomes, source / "book", certificates_of(studies, source), made)
        write_contents(source, list(studies.values()))
        if source != ROOT:
            first_page.write(list(studies.values()), outcomes, source)
        render(source, html, store / "sphinx", jupyter_book)
    try:
        check_for_leaks(studies, [html, *(source / "book" / name for name in GENERATED)])
    except BuildError:
        shutil.rmtree(store, ignore_errors=True)
        raise


def remembered(studies: dict[Path, Cohort]) -> dict[Path, list[Cohort]]:
    """The cohorts of which must be remembered that their numbers were released, by the folder of their files;
    neither synthetic patients nor those who come with the program, whose data are public.
    """
    folders: dict[Path, list[Cohort]] = {}
    for path, study in studies.items():
        if not study.synthetic and not path.is_relative_to(BUNDLED):
            folders.setdefault(path.parent, []).append(study)
    return folders


def certificates_of(studies: dict[Path, Cohort], source: Path) -> dict[str, Certificate]:
    """The auditor's certificate of each cohort of which something is hidden; without it there is no book."""
    return {
        study.name: certified.certify(
            study, results.read_all(source / "book" / "cohorts" / study.name / "results")
        )
        for study in studies.values()
        if disclosure.hides(study)
    }


def check_place(out: Path | None, studies: dict[Path, Cohort]) -> None:
    """Refuse a cohort that is too small to show, and a place for the book where something else would be
    lost.
    """
    for study in studies.values():
        if len(study.patients) < study.min_cell_count:
            raise BuildError(
                f"{study.name}: there are fewer than {study.min_cell_count} patients "
                f"(min_cell_count), so a book would show nothing."
            )
    if not out and places.INSTALLED:
        raise BuildError("An installed program makes no book in its own folder. Choose a folder as --out.")
    if out and (reason := place.trouble(out, studies)):
        raise BuildError(reason)


def check_for_leaks(studies: dict[Path, Cohort], written: list[Path]) -> None:
    """Fail if anything of a real cohort's input stands in what was written and neither in the same chapters
    of a cohort that is made up, nor among what somebody has looked at and accepted.
    """
    wanted = {path: leaks.needles(study, path) for path, study in studies.items() if not study.synthetic}
    everything = {key: needle for each in wanted.values() for key, needle in each.items()}
    leak_review.refuse(leaks.scan(written, everything, sorted(NOTEBOOKS.glob("*.ipynb"))), wanted)


def stage(source: Path) -> Path:
    """Copy what the book is made of, apart from the notebooks, to a folder outside the checkout."""
    shutil.rmtree(source, ignore_errors=True)
    made = tuple(ROOT / "book" / name for name in GENERATED)
    for path in (ROOT / "_config.yml", *sorted((ROOT / "book").rglob("*"))):
        if path.is_file() and not any(path.is_relative_to(each) for each in made):
            copy = source / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)  # what is read-only in an installed program is not so in a book
    return source


def plan(
    studies: dict[Path, Cohort], as_read: dict[Path, dict], cohorts_dir: Path, parameters: dict
) -> list[reuse.Run]:
    """What there is to run: every chapter for every cohort."""
    takes = {each: chapters.parameters_of(each) for each in chapters.chapters()}
    runs = []
    for path, study in studies.items():
        pages_dir, names = cohorts_dir / study.name, chapters.chapters_of(study)
        rows = [
            pages_dir / "results" / f"{each}.csv"
            for each in names
            if chapters.about(each).runs == chapters.WITH_OTHERS
        ]
        for each in names:
            given = {name: value for name, value in parameters.items() if name in takes[each]}
            runs.append(reuse.Run(study.name, each, path, pages_dir, given, rows, as_read[path]))
    return runs


def run_all(
    runs: list[reuse.Run],
    studies: dict[Path, Cohort],
    jobs: int,
    store: Path,
    executor: str = engines.LOCAL,
) -> Iterator[tuple[reuse.Run, str, Outcome]]:
    """Run what has to be run, ``jobs`` at a time; whoever reads the rows of others comes last.

    Yields each run as it ends, with the mark to keep it by (empty if it was kept already) and its outcome.
    """
    with contextlib.ExitStack() as stack:
        pool: Executor | None = None
        for turn in chapters.RUNS:
            waiting, library = [], reuse.as_it_is()
            for run in [run for run in runs if chapters.about(run.chapter).runs == turn]:
                mark = reuse.fingerprint(run, library)
                if outcome := reuse.take(store, run, mark):
                    yield run, "", outcome
                else:
                    waiting.append((run, mark))
            if not waiting:
                continue
            if not pool:
                if executor == engines.LOCAL:
                    stack.enter_context(kernels.forked(NOTEBOOKS))
                    ready.make([run for run, _ in waiting], studies, library)
                shared = {*studies, *(run.pages.parents[1] for run in runs)}
                pool = stack.enter_context(engines.executor(executor, jobs, shared))
                # what pages ask for later comes first: meanwhile the kernels' libraries are imported
                as_read = {run.manifest: run.as_read for run in runs}
                for study in studies.values():
                    if study.synthetic:  # of others nothing is kept before it was scanned
                        for name in reuse.MADE:
                            pool.submit(reuse.made, store, studies, as_read, study, name)
            running = {
                pool.submit(
                    chapter.run,
                    run.chapter,
                    run.manifest,
                    studies[run.manifest],
                    run.pages / f"{run.chapter}.ipynb",
                    run.results,
                    run.parameters,
                ): (run, mark)
                for run, mark in waiting
            }
            for future in as_completed(running):
                yield *running[future], future.result()
