"""Replace a function or a constant of the library wherever a module has imported it by name."""

import sys

LIBRARY = "analysis_lib"


def everywhere(monkeypatch, original, replacement) -> None:
    """Put ``replacement`` in place of ``original`` in every module of the library that is loaded.

    What a page shows passes through a few functions that many modules import by name (``display``,
    ``canvas.show``); a test that wants to see what is shown should not need to know which modules these are.
    """
    places = [
        (module, name)
        for key, module in sys.modules.items()
        if key.partition(".")[0] == LIBRARY
        for name, value in vars(module).items()
        if value is original
    ]
    assert places, f"nothing in the library uses {original!r}"
    for module, name in places:
        monkeypatch.setattr(module, name, replacement)


def as_html(displayed, **_) -> str:
    """What ``display`` was given, as HTML (or Markdown): a bundle of formats or an object."""
    return displayed["text/html"] if isinstance(displayed, dict) else displayed.data
