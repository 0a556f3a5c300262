"""The report that is handed on with a reconstruction.

* :func:`write_report` writes ``report.html`` (and ``report.pdf``) into a folder;
* :mod:`mfrec.report.pictures` draws the provenance, uncertainty and consistency pictures;
* :mod:`mfrec.report.content` decides what is said, :mod:`~mfrec.report.html` and :mod:`~mfrec.report.pdf` how.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from mfrec.errors import UsageError

if TYPE_CHECKING:
    from mfrec.types import Reconstruction


def write_report(reconstruction: Reconstruction, folder: Path, pdf: bool = False) -> list[Path]:
    """Write the report of a reconstruction.

    Args:
        reconstruction: what :func:`mfrec.reconstruct` returned.
        folder: exists; a report that is already in it is replaced.
        pdf: also write ``report.pdf``, which needs the package reportlab.

    Returns:
        The files that were written: ``report.html``, then ``report.pdf``.

    Raises:
        UsageError: a PDF is asked for and ReportLab is not installed.
        OSError: the folder does not exist or cannot be written.
    """
    from mfrec.report import html
    from mfrec.report.content import gather

    if pdf and find_spec("reportlab") is None:
        raise UsageError(
            "a PDF needs the package reportlab, which is not installed; "
            "run: pip install reportlab, or open report.html in a browser and print it"
        )
    content = gather(reconstruction)
    files = {"report.html": html.render(content, reconstruction)}
    if pdf:
        from mfrec.report.pdf import render

        files["report.pdf"] = render(content)
    written = []
    for name, data in files.items():
        path = Path(folder) / name
        path.write_bytes(data)
        written.append(path)
    return written
