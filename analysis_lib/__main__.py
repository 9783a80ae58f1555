"""The command line: ``salvage-book`` or ``python -m analysis_lib``.

A command imports what it needs when it runs, so that help, a list and a mistake are answered at once.

Long because every command stands here, with its options and what it says.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from analysis_lib.files import cores, places
from analysis_lib.files.refusal import Refused

if TYPE_CHECKING:
    from analysis_lib.binding.outcome import Outcome


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns the exit code: 0 for success, 1 when something was wrong, said in one
    message.
    """
    for stream in (sys.stdout, sys.stderr):
        # a letter that the terminal's encoding lacks is written as \xfc, which YAML reads
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    parsed = _parser().parse_args(arguments)
    try:
        code = parsed.command(parsed)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        try:
            print(flush=True)
        except BrokenPipeError:  # whoever read it has stopped listening, as `head` does
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        raise
    except Refused as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped. If there was a book, it is as it was.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    """Long because it declares every command with its options in one place."""
    parser = argparse.ArgumentParser(
        prog="salvage-book", description="Run the study's chapters on a cohort, and bind them as a book."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    cohort_help = "a bundled cohort, or the path of a cohort.yml, of its folder, or of a table"

    each = commands.add_parser("build", help="build the book of one or several cohorts")
    each.add_argument(
        "cohorts", nargs="*", metavar="COHORT", help=f"{cohort_help}; without any, all bundled cohorts"
    )
    each.add_argument(
        "--out",
        type=_path,
        metavar="DIR",
        help="folder for the book (DIR/html/index.html); default: a folder for each cohort in "
        f"{'books in this folder' if places.INSTALLED else '_build in this checkout'}",
    )
    each.add_argument(
        "--jobs",
        type=_positive,
        default=cores.at_a_time(),
        metavar="N",
        help="notebooks at a time, each takes about 0.5 GB of memory (default: cores + 1, at most 8)",
    )
    each.add_argument(
        "--fresh", action="store_true", help="run every chapter, whatever earlier builds have made"
    )
    each.add_argument(
        "--executor",
        type=_executor,
        default="local",
        metavar="WHERE",
        help="where notebooks run: local (default), or dask:ADDRESS, the scheduler of a dask engine",
    )
    _add_parameters(each)
    each.set_defaults(command=_build)

    each = commands.add_parser(
        "check", help="say what is wrong with a cohort's files, or that they can be used"
    )
    each.add_argument("cohort", metavar="COHORT", help=cohort_help)
    each.add_argument("--csv", type=_path, metavar="FILE", help="write the answer as a table, too")
    each.add_argument("--html", type=_path, metavar="FILE", help="write the answer as a page, too")
    each.set_defaults(command=_check)

    each = commands.add_parser(
        "new", help="write a starter: Excel template, REDCap dictionary and cohort.yml"
    )
    each.add_argument("folder", type=_path, metavar="DIR", help="a new or empty folder")
    each.add_argument("--example", action="store_true", help="with invented patients, to play with")
    each.set_defaults(command=_new)

    each = commands.add_parser(
        "dummy", help="write files of the same shape with invented patients, to send with a question"
    )
    each.add_argument("cohort", metavar="COHORT", help=cohort_help)
    each.add_argument(
        "--out", type=_path, metavar="DIR", help="a new folder; default: NAME-dummy in this folder"
    )
    each.set_defaults(command=_dummy)

    each = commands.add_parser("map", help="propose which columns of your files are which")
    each.add_argument(
        "files",
        nargs="+",
        type=_path,
        metavar="FILE",
        help="your tables; with several, each becomes the table it fits best",
    )
    each.add_argument(
        "--out",
        type=_path,
        metavar="FILE",
        help="write the proposal there instead of showing it; never overwrites",
    )
    each.set_defaults(command=_map)

    each = commands.add_parser("run", help="run one chapter for one cohort")
    each.add_argument(
        "notebook", metavar="NOTEBOOK", help="a chapter, such as 04_survival (a path to it works too)"
    )
    each.add_argument("cohort", metavar="COHORT", help=cohort_help)
    each.add_argument(
        "--out", type=_path, default=Path("."), metavar="DIR", help="where to write; default: this folder"
    )
    _add_parameters(each)
    each.set_defaults(command=_run)

    each = commands.add_parser(
        "export", help="write a cohort's results, and nothing of a patient, as one zip to share"
    )
    each.add_argument("cohort", metavar="COHORT", help=cohort_help)
    each.add_argument(
        "--out", type=_path, metavar="FILE.zip", help="the zip to write; default: NAME.zip in this folder"
    )
    each.add_argument(
        "--sign", action="store_true", help="sign it with minisign or GnuPG; the signature stands beside it"
    )
    each.set_defaults(command=_export)

    each = commands.add_parser(
        "pool", help="pool the exports of several centres, and bind the pooled chapter as a book"
    )
    each.add_argument(
        "exports",
        nargs="+",
        type=_path,
        metavar="EXPORT.zip",
        help="what `salvage-book export` wrote at each centre",
    )
    each.add_argument(
        "--out", type=_path, required=True, metavar="DIR", help="folder for the book (DIR/html/index.html)"
    )
    each.add_argument(
        "--keys",
        type=Path,
        metavar="KEYS",
        help="check each signature with a public key of this folder: NAME.pub or NAME.asc for NAME.zip",
    )
    each.set_defaults(command=_pool)

    each = commands.add_parser(
        "never-released", help="say that a book or an export of a cohort never left the hospital"
    )
    each.add_argument("cohort", metavar="COHORT", help=cohort_help)
    each.add_argument("set", type=_positive, metavar="SET", help="its number, as the refusal names it")
    each.set_defaults(command=_never_released)

    each = commands.add_parser(
        "accept", help="say that a finding of the leak scan was looked at and is harmless, and why"
    )
    each.add_argument("cohort", metavar="COHORT", help=cohort_help)
    each.add_argument("code", metavar="CODE", help="of the finding, as the refusal names it")
    each.add_argument("reason", metavar="REASON", help="why it is harmless, without the value")
    each.set_defaults(command=_accept)

    each = commands.add_parser(
        "editions", help="make the student's edition, the teacher's, and slides for six sessions"
    )
    each.add_argument(
        "--out", type=_path, metavar="DIR", help="folder for them; default: editions beside other books"
    )
    each.set_defaults(command=_editions)

    each = commands.add_parser("pdf", help="print a finished book as one PDF, with a browser of this machine")
    each.add_argument(
        "book",
        nargs="?",
        type=_path,
        metavar="DIR",
        help="folder of the book, as --out was; default: all cohorts'",
    )
    each.add_argument(
        "--out", type=_path, default=Path("book.pdf"), metavar="FILE", help="the file; default: book.pdf"
    )
    each.set_defaults(command=_pdf)

    each = commands.add_parser("cohorts", help="list the bundled cohorts")
    each.set_defaults(command=_cohorts)
    return parser


def _add_parameters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-p",
        "--parameter",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        help="a number for the chapters that take such a parameter (alpha_beta 3)",
    )


def _positive(written: str) -> int:
    if not written.isdigit() or int(written) < 1:
        raise argparse.ArgumentTypeError("must be a whole number of at least 1")
    return int(written)


def _path(written: str) -> Path:
    try:
        return Path(written).expanduser()  # PowerShell hands ~ on as it is
    except RuntimeError:
        raise argparse.ArgumentTypeError(f"there is no home folder {written.partition('/')[0]}") from None


def _executor(written: str) -> str:
    kind, colon, address = written.partition(":")
    if kind not in ("local", "dask") or colon and (kind == "local" or not address):
        raise argparse.ArgumentTypeError("must be local, dask or dask:ADDRESS")
    return written


def _parameters(pairs: list[list[str]]) -> dict[str, float]:
    try:
        given = {name: float(value) for name, value in pairs}
    except ValueError as error:
        raise Refused(f"A parameter must be a number ({error}).") from None
    if given:
        from analysis_lib.binding.build import check_parameters

        check_parameters(given)
    return given


def _build(parsed: argparse.Namespace) -> int:
    from analysis_lib.binding import reuse
    from analysis_lib.intake.bundled import bundled_cohorts

    parameters = _parameters(parsed.parameter)
    cohorts = parsed.cohorts or list(bundled_cohorts())
    out = parsed.out.resolve() if parsed.out else None
    if places.INSTALLED and not out and not parsed.cohorts:
        out = places.books() / "bundled"
    book = out or places.books()
    if (out or not parsed.cohorts) and not parsed.fresh:
        if outcomes := reuse.unchanged(book, cohorts, parameters):
            print("Nothing that the book is made of has changed, so it is left as it is.")
            return _summary(outcomes, book / "html" / "index.html")

    from analysis_lib.binding import kernels

    if parsed.executor == "local":
        kernels.start_early(places.NOTEBOOKS)
    from analysis_lib.binding.build import build, read_all

    if parsed.cohorts and not out:
        out = book = book / "-".join(study.name for study in read_all(cohorts).values())
    with _progress() as report:
        outcomes = build(cohorts, out, parsed.jobs, parameters, report, parsed.fresh, parsed.executor)
    return _summary(outcomes, book / "html" / "index.html")


@contextlib.contextmanager
def _progress() -> Iterator[Callable]:
    """What takes note of each finished chapter: on a terminal a bar, in a log plain lines."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}", markup=False),
    )
    on_terminal = sys.stderr.isatty()
    with Progress(*columns, console=Console(stderr=True), disable=not on_terminal) as bar:
        task, count = bar.add_task("", total=None), itertools.count(1)

        def report(outcome: Outcome, total: int) -> None:
            name = f"{outcome.cohort} {outcome.chapter}"
            bar.update(task, advance=1, total=total, description=name)
            if not on_terminal:
                print(f"[{next(count)}/{total}] {name}: {outcome.status}", flush=True)

        yield report


def _summary(outcomes: list, book: Path) -> int:
    by_status = {
        status: [o for o in outcomes if o.status == status] for status in ("done", "skipped", "failed")
    }
    for status in ("skipped", "failed"):
        for outcome in by_status[status]:
            print(f"{status}: {outcome.cohort} {outcome.chapter}: {outcome.reason}")
    print(", ".join(f"{len(found)} {status}" for status, found in by_status.items()))
    if by_status["failed"]:
        print(
            "No book was made, and an older one is as it was: correct what failed and build again.",
            file=sys.stderr,
        )
        return 1
    print(f"The book: {book}")
    return 0


def _check(parsed: argparse.Namespace) -> int:
    from analysis_lib.intake import check_report

    return check_report.check(parsed.cohort, parsed.csv, parsed.html)


def _new(parsed: argparse.Namespace) -> int:
    from analysis_lib.dictionary.words import listed
    from analysis_lib.intake import starter

    names = starter.new(parsed.folder, parsed.example)
    print(f"Written to {parsed.folder}: {listed(names)}.\nBegin with README.txt.")
    return 0


def _dummy(parsed: argparse.Namespace) -> int:
    from analysis_lib.dictionary.words import listed
    from analysis_lib.intake import dummy
    from analysis_lib.intake.manifest import locate, read_manifest

    out = parsed.out or Path(f"{read_manifest(locate(parsed.cohort)).name}-dummy")
    names = dummy.dummy(parsed.cohort, out)
    print(f"Written to {out}: {listed(names)}.")
    print("Every patient in it is invented; headings and words are yours. Read it before you send it.")
    return 0


def _map(parsed: argparse.Namespace) -> int:
    from analysis_lib.intake import propose

    proposal = propose.propose(parsed.files, parsed.out)
    if parsed.out:
        print(f"Written: {parsed.out}. Read it, correct it, then: salvage-book check {parsed.out}")
    else:
        print(proposal, end="")
    return 0


def _run(parsed: argparse.Namespace) -> int:
    from analysis_lib.binding import certified, chapter, chapters
    from analysis_lib.binding.build import check_for_leaks
    from analysis_lib.binding.outcome import BuildError
    from analysis_lib.intake.manifest import locate
    from analysis_lib.intake.read import read_cohort
    from analysis_lib.rows import results

    known = chapters.chapters()
    name = Path(parsed.notebook).stem
    if name not in known:
        raise BuildError(f"There is no chapter {parsed.notebook!r}. There are: {', '.join(known)}.")
    study, parameters = read_cohort(parsed.cohort), _parameters(parsed.parameter)
    if foreign := set(parameters) - set(chapters.parameters_of(name)):
        raise BuildError(f"The chapter {name} takes no parameter {', '.join(sorted(foreign))}.")
    out = parsed.out.resolve()
    page = out / f"{name}.{study.name}.ipynb"
    outcome = chapter.run(name, locate(parsed.cohort), study, page, out / "results", parameters)
    print(f"{outcome.status}: {outcome.reason}" if outcome.reason else outcome.status)
    if outcome.status == "failed":
        return 1
    rows = out / "results" / f"{name}.csv"
    try:
        certified.certify(study, results.read(rows))
        check_for_leaks({locate(parsed.cohort): study}, [page, rows])
    except BuildError:
        page.unlink()
        rows.unlink(missing_ok=True)
        raise
    print(f"Notebook: {page}\nResult rows: {rows}")
    return 0


def _editions(parsed: argparse.Namespace) -> int:
    from analysis_lib.binding import editions

    out = (parsed.out or places.books() / "editions").resolve()
    editions.editions(out)
    print(f"Student edition: {out / 'student' / 'html' / 'index.html'}")
    print(f"Teacher's edition: {out / 'teacher' / 'html' / 'index.html'}")
    print(f"Slides: {out / 'slides'}. The notebooks lie beside the pages.")
    return 0


def _pdf(parsed: argparse.Namespace) -> int:
    from analysis_lib.binding import print_book

    book = (parsed.book or places.books()).resolve()
    contents = places.ROOT / "_toc.yml" if book == places.ROOT / "_build" else book / "source" / "_toc.yml"
    count = print_book.print_book(book / "html", contents, parsed.out.resolve())
    print(f"{parsed.out}: {count} pages")
    return 0


def _export(parsed: argparse.Namespace) -> int:
    from analysis_lib.centres import send, signature

    if parsed.sign:
        signature.program()  # before an hour's work, if there is none
    out, manifest = send.export(parsed.cohort, parsed.out)
    ended = manifest["chapters"].values()
    print(
        f"{out}: {sum(how['rows'] for how in ended)} result rows of {len(ended)} chapters, and no row of "
        f"a patient."
    )
    for each, how in manifest["chapters"].items():
        if how["status"] == "skipped":
            print(f"skipped: {each}: {how['reason']}")
    print(f"Digest of the results (SHA-256 of rows.csv): {manifest['rows_sha256']}")
    if parsed.sign:
        print(f"Signature: {signature.sign(out)}")
    print("Open it and read what you send: README.txt says on one page what is in it.")
    return 0


def _pool(parsed: argparse.Namespace) -> int:
    from analysis_lib.centres import signature
    from analysis_lib.centres.book import pool

    if parsed.keys:
        print("\n".join(signature.verify(parsed.exports, parsed.keys)))
    print(f"The book: {pool(parsed.exports, parsed.out.resolve())}")
    return 0


def _never_released(parsed: argparse.Namespace) -> int:
    from analysis_lib.cohort import overlap
    from analysis_lib.intake.manifest import locate

    folder = locate(parsed.cohort).parent
    overlap.save(overlap.never_released(overlap.read(folder), parsed.set), folder)
    print(f"Set {parsed.set} is forgotten. Delete the book or the export that was made of it.")
    return 0


def _accept(parsed: argparse.Namespace) -> int:
    from analysis_lib.binding import leak_review, leaks
    from analysis_lib.intake.manifest import locate
    from analysis_lib.intake.read import read_cohort

    path = locate(parsed.cohort)
    log = leak_review.log_of(path)
    wanted = leaks.needles(read_cohort(path), path)
    left = leak_review.accept(parsed.code, parsed.reason, log, wanted)
    print(f"Accepted, for this value in this file of the book alone: {log}")
    print(f"Still open: {len(left)}." if left else "Nothing is open: build or export again.")
    return 0


def _cohorts(parsed: argparse.Namespace) -> int:
    from analysis_lib.intake.bundled import bundled_cohorts

    for name, title in bundled_cohorts().items():
        print(f"{name:15} {title}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
