"""Pictures inside a page: figures and files as data URIs, so that nothing is fetched."""

import base64
import io

import matplotlib as mpl
from matplotlib.figure import Figure


def svg_uri(figure: Figure) -> str:
    """Embed a figure as SVG: as a picture of its own, its names cannot meet those of another one."""
    buffer = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "c2fpose"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return data_uri(buffer.getvalue(), "svg+xml")


def data_uri(content: bytes, kind: str) -> str:
    """Embed an image file; ``kind`` is the part after ``image/`` of its media type."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
