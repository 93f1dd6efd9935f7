"""A table as text: Markdown, CSV and LaTeX from the same cells."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """A printed table: text in cells; the first column is aligned left."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()

    def markdown(self, aligned: bool = False) -> str:
        """Write it as Markdown, numbers to the right, the notes below; ``aligned``: padded, to be read as text too."""
        table = [self.header, *self.rows]
        cells = [tuple(cell.replace("|", "\\|") for cell in row) for row in table]
        rule = ("---", *["---:"] * (len(self.header) - 1))
        if aligned:
            widths = [max(3, *(len(row[column]) for row in cells)) for column in range(len(self.header))]
            cells = [_padded(row, widths) for row in cells]
            rule = ("-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:]))
        head, *body = ["| " + " | ".join(row) + " |" for row in cells]
        ruled = "| " + " | ".join(rule) + " |" if aligned else "|" + "|".join(rule) + "|"
        return "\n".join([head, ruled, *body, "", *(f"{note}  " for note in self.notes)]).rstrip() + "\n"

    def latex(self, caption: str) -> str:
        """Write it as a ``table`` of the package booktabs, the notes in its caption."""
        body = [" & ".join(map(_latex, row)) + r" \\" for row in self.rows]
        head = " & ".join(map(_latex, self.header)) + r" \\"
        inside = [rf"\begin{{tabular}}{{l{'r' * (len(self.header) - 1)}}}", r"\toprule", head, r"\midrule", *body]
        lines = [r"\begin{table}", r"\centering", *inside, r"\bottomrule", r"\end{tabular}"]
        lines += [rf"\caption{{{_latex(' '.join((caption + '.', *self.notes)))}}}", r"\end{table}"]
        return "\n".join(lines) + "\n"


def _padded(row: tuple[str, ...], widths: list[int]) -> tuple[str, ...]:
    return (row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)))


_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "|": r"\textbar{}",
        **{sign: "\\" + sign for sign in "%_&#${}"},
        **{sign: f"{{{sign}}}" for sign in "[]*"},  # after \\ a bare [ begins a length, and a bare * is lost
        **{"±": r"$\pm$", "\N{MINUS SIGN}": "$-$", "<": "$<$", ">": "$>$"},
    }
)  # fmt: skip


def _latex(text: str) -> str:
    """Escape every sign that LaTeX would read as a command, in one pass."""
    return text.translate(_LATEX)
