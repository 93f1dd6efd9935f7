"""Execute the notebooks and keep their outputs: ``python scripts/run_notebooks.py``, or ``make notebook``.

Each one is replaced only if all of its cells ran. Times, widgets' states and the like are left out, so that the file
depends on the network and the data alone.
"""

import argparse
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from c2fpose.base.files import written_whole

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
DOTS_PER_INCH = 90  # of the pictures that are kept
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def execute(path: Path) -> None:
    """Run all cells, in the notebook's own folder as Jupyter does, and write the file again."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=600,
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": path.parent}},
        extra_arguments=[
            f"--InlineBackend.print_figure_kwargs={{'dpi': {DOTS_PER_INCH}}}",
            "--IPKernelApp.log_level=ERROR",  # no word on transport between processes of one machine
        ],
    )
    client.execute()
    notebook.metadata = METADATA
    for cell in notebook.cells:
        cell.metadata = {}
    with written_whole(path) as partial:
        nbformat.write(notebook, partial)


def main() -> None:
    """All notebooks, or those named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="*", type=Path, help="default: every notebook in notebooks/")
    for path in parser.parse_args().paths or sorted(FOLDER.glob("*.ipynb")):
        try:
            execute(path)
        except CellExecutionError as error:
            print(f"error: {path.name}: {error.ename}: {error.evalue}", file=sys.stderr)
            sys.exit(2)
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
