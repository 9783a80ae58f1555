"""Files as one zip, byte for byte the same each time."""

from __future__ import annotations

import io
import zipfile


def bundle(files: dict[str, bytes]) -> bytes:
    """Files as one ZIP archive that is the same at any time."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            # dated 1980, the first day of the format
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return written.getvalue()
