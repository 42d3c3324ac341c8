"""Zips for tests."""

import io
import zipfile


def zipped(files):
    """The bytes of a zip of these contents by name."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()
