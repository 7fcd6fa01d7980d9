"""What is done to a notebook that was executed: its error on top, its picture as a thumbnail."""

import base64
import binascii
import io
import json
from pathlib import Path
from typing import Any

from mrsnb.display.markup import escape
from mrsnb.io.atomic import atomic_write
from mrsnb.io.json_text import read_json

THUMBNAIL = "thumbnail.png"
_SIZE = (320, 160)
_MARK = "papermill-error-cell-tag"


def finish(path: Path, folder: Path, error: str | None) -> None:
    """Put the error of a notebook on top of it, its last picture, small, beside it, and its final folder into it.

    Parameters
    ----------
    path : Path
        The executed notebook; nothing is done if there is none, or it is not whole.
    folder : Path
        Where it will be.
    error : str, optional
        Why it failed.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    try:
        notebook = read_json(_placed(path.read_text(encoding="utf-8"), path.parent.name, folder.name))
        cells = notebook["cells"]
    except (OSError, ValueError, KeyError, TypeError):
        return
    picture = _last_picture(cells)
    if picture is not None:
        _write(path.parent / THUMBNAIL, picture)
    if error is not None:
        if cells and _MARK in cells[0]["metadata"].get("tags", ()):
            del cells[0]
        cells.insert(0, _error_cell(cells, error))
    _write(path, json.dumps(notebook, indent=1, ensure_ascii=False).encode())


def _placed(text: str, staging: str, final: str) -> str:
    """Return the text of a notebook with the final name of its folder where the one it ran in stands."""
    return text.replace(staging, final).replace(escape(staging), escape(final))


def _error_cell(cells: list[dict[str, Any]], error: str) -> dict[str, Any]:
    failed = next((cell for cell in cells if _has_error(cell)), None)
    number = "" if failed is None else f' in <a href="#papermill-error-cell">[{failed.get("execution_count")}]</a>'
    source = f'<b style="color: #c62828">Failed{number}</b>\n<pre style="white-space: pre-wrap">{escape(error)}</pre>'
    return {"cell_type": "markdown", "id": "mrsnb-error", "metadata": {"tags": [_MARK]}, "source": source}


def _has_error(cell: dict[str, Any]) -> bool:
    return any(output.get("output_type") == "error" for output in cell.get("outputs", ()))


def _last_picture(cells: list[dict[str, Any]]) -> bytes | None:
    """Return the last picture that a cell shows, small, as PNG."""
    from PIL import Image

    shown = [output.get("data", {}).get("image/png") for cell in cells for output in cell.get("outputs", ())]
    data = next((item for item in reversed(shown) if item), None)
    if data is None:
        return None
    try:
        text = data if isinstance(data, str) else "".join(data)
        picture = Image.open(io.BytesIO(base64.b64decode(text))).convert("RGBA")
        picture.thumbnail(_SIZE)
        paper = Image.new("RGBA", picture.size, "white")
        small = io.BytesIO()
        Image.alpha_composite(paper, picture).convert("RGB").quantize(128).save(small, "PNG", optimize=True)
    except (OSError, ValueError, TypeError, binascii.Error, Image.DecompressionBombError):
        return None
    return small.getvalue()


def _write(path: Path, content: bytes) -> None:
    with atomic_write(path) as file:
        file.write(content)
