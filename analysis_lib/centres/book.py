"""Exports of several centres -> a small book: the pooled chapter between the introduction and the methods."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pandas as pd
import yaml
from papermill.exceptions import PapermillExecutionError

from analysis_lib.binding import build, chapter, data_dictionary, pages, takeaway
from analysis_lib.binding.page import as_page
from analysis_lib.centres import inert, receive
from analysis_lib.centres.exchange import Export, SharingError
from analysis_lib.centres.page import about_html, mixture, overview
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.dictionary.words import listed
from analysis_lib.files.places import ROOT
from analysis_lib.show import tables
from analysis_lib.show.fragments import fragment

NAME = "pooled"  # of the notebook, of its folder in the book, and of its result rows


def pool(files: list[Path], out: Path) -> Path:
    """Pool exports and bind the book.

    Parameters
    ----------
    files : list of Path
        The exports, in the order in which the centres are shown.
    out : Path
        Folder for the book: ``html/`` and, for its notebook and result rows, ``source/``.

    Returns
    -------
    Path
        The book's first page.

    Raises
    ------
    SharingError, BuildError
        If the exports may not be pooled, the place is wrong, or the chapter or the pages fail; an older book
        then stays.
    """
    gathered = receive.read_exports(files)
    build.check_place(out, {})
    with build.at_work(out) as work:
        source = build.stage(work / "source")
        book = source / "book"
        page = build_page(files, gathered, book)
        nbformat.write(page, book / NAME / f"{NAME}.ipynb")
        (book / NAME / "index.md").write_text(index_page(gathered, book / NAME), "utf-8")
        (book / "generated").mkdir(exist_ok=True)
        (book / "generated" / "data-dictionary.md").write_text(data_dictionary.page(), "utf-8")
        (source / "_toc.yml").write_text(contents(book), "utf-8")
        _refuse(inert.of_sources(book / NAME))
        build.render(source, work / "html")
        _refuse(inert.of_pages(work / "html", NAME))
        written = [folder / "book" / NAME for folder in (source, work / "html", work / "html" / "_sources")]
        _refuse(
            inert.of_places(written, [ROOT, Path.home(), out, *(file.absolute().parent for file in files)])
        )
        build.put_in_place(work, out)
    return out / "html" / "index.html"


def _refuse(found: list[str]) -> None:
    """Make no book of pages that hold anything but words and numbers of an export."""
    if found:
        told = "\n  ".join(found[:20])
        raise SharingError(
            f"Something in the pooled pages is more than text, or tells of this machine, so there is no "
            f"book:\n  {told}\nPlease report it; until then, leave out the export that was added last."
        )


def build_page(files: list[Path], gathered: list[Export], book: Path) -> nbformat.NotebookNode:
    """Run the pooled chapter, which writes its rows below ``book``, and make a page of it that names no
    file.
    """
    where = book / NAME / "results"
    where.mkdir(parents=True)
    try:
        executed = chapter.execute(
            NAME, {"exports": [str(Path(file).absolute()) for file in files], "results_dir": str(where)}
        )
    except PapermillExecutionError as error:
        raise SharingError(
            f"The pooled chapter failed ({error.ename}: "
            f"{str(error.evalue).splitlines()[0][:300]}). "
            "There is no book."
        ) from None
    for cell in executed.cells:
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell.source = f"exports = {[f'{centre.name}.zip' for centre in gathered]}"
    study = as_cohort(gathered)
    page, _ = as_page(executed, study)
    takeaway.offer(page, study, NAME, book / NAME, where)
    return page


def as_cohort(gathered: list[Export]) -> Cohort:
    """What the pages of the book need to know of whose they are: names and numbers; there is nothing of a
    patient in it.
    """
    sizes = [
        row["value"]
        for centre in gathered
        for _, row in centre.rows[centre.rows["result_id"] == "flow.included"].iterrows()
    ]
    return Cohort(
        name=NAME,
        title=listed([centre.name for centre in gathered]),
        index_event=gathered[0].index_event,
        synthetic=all(centre.synthetic for centre in gathered),
        note=mixture(gathered),
        min_cell_count=max(centre.min_cell_count for centre in gathered),
        patients=pd.DataFrame(index=range(int(sum(size for size in sizes if pd.notna(size))))),
    )


def index_page(gathered: list[Export], folder: Path) -> str:
    """The first page of the pooled part: who takes part, with which software, and what the numbers mean.

    Long because it is one page, written from top to bottom.
    """
    names = [centre.name for centre in gathered]
    keys = list(dict.fromkeys(key for centre in gathered for key in centre.software))
    versions = pd.DataFrame(
        [[key, *(centre.software.get(key, "–") for centre in gathered)] for key in keys]
        + [["results", *(centre.digest[:12] for centre in gathered)]],
        columns=["", *names],
    )
    differ = [key for key in keys if len({centre.software.get(key) for centre in gathered}) > 1]
    rules = pd.DataFrame(
        [[key, words] for key, words in gathered[0].definitions.items() if not key.startswith("column ")],
        columns=["What", "Definition"],
    )
    smallest = [
        f"every count ({centre.name})"
        if centre.min_cell_count <= 1
        else f"{centre.min_cell_count} ({centre.name})"
        for centre in gathered
    ]
    parts = [
        about_html(gathered),
        f"- [Several centres, pooled]({NAME}.ipynb): "
        f"{takeaway.links(as_cohort(gathered), NAME, folder, folder / 'results')}",
        "## The centres",
        tables.html_table(overview(gathered), "The centres, and the chapters that each could not compute"),
        _paragraph(
            f"The smallest count that a centre shows: {listed(smallest)}. What rests on fewer was hidden "
            f"before it left the centre, and takes no part."
        ),
        "## Software",
        _paragraph(
            f"The centres differ in: {listed(differ)}."
            if differ
            else "All centres ran the same code with the same versions."
        ),
        tables.html_table(
            versions,
            "Versions with which each centre computed its rows; code is a digest of this book's own, results "
            "the beginning of the digest that the centre's README.txt tells",
        ),
        "## Definitions",
        "All centres agree in these, and in every column of the "
        "[data dictionary](../generated/data-dictionary.md), word for word; "
        "otherwise nothing would have been pooled.",
        tables.html_table(rules, "What the numbers mean"),
    ]
    return "\n\n".join([f"# {len(gathered)} centres pooled", *map(_block, parts)]) + "\n"


def _paragraph(words: str) -> str:
    """A paragraph whose words are an export's in part: HTML, for in Markdown they could be markup."""
    return fragment("paragraph", words=words)


def _block(part: str) -> str:
    """One line: Markdown takes HTML for HTML up to the next blank line, whatever stands in it."""
    return " ".join(part.split())


def contents(book: Path) -> str:
    """The contents of the pooled book, as ``_toc.yml``; of the pages about the book, those that speak of no
    single cohort.
    """
    about = [page for page in pages.ABOUT if (book / f"{page}.md").is_file()]
    toc = {
        "format": "jb-book",
        "root": "book/intro",
        "options": {"numbered": False},
        "parts": [
            {
                "caption": "Pooled",
                "chapters": [{"file": f"book/{NAME}/index", "sections": [{"file": f"book/{NAME}/{NAME}"}]}],
            },
            {"caption": "About", "chapters": [{"file": f"book/{page}"} for page in about]},
        ],
    }
    return yaml.safe_dump(toc, sort_keys=False, allow_unicode=True)
