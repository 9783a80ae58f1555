"""Write the exports that come with the book, to try the pooling with: python tools/write_practice.py."""

from analysis_lib.centres import receive, send

for path in receive.PRACTICE:
    path.unlink(missing_ok=True)
    path.parent.mkdir(exist_ok=True)
    send.export(path.stem, path)
