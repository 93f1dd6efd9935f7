"""A table as text: Markdown, CSV and LaTeX from the same cells."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """A printed table: text in cells; the first column is aligned left."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()

    def markdown(self) -> str:
        lines = ["| " + " | ".join(self.header) + " |", "|---" + "|---:" * (len(self.header) - 1) + "|"]
        lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in self.rows]
        return "\n".join(lines + [""] + [f"{note}  " for note in self.notes]).rstrip() + "\n"

    def latex(self, caption: str) -> str:
        body = [" & ".join(map(_latex, row)) + r" \\" for row in self.rows]
        head = " & ".join(map(_latex, self.header)) + r" \\"
        inside = [rf"\begin{{tabular}}{{l{'r' * (len(self.header) - 1)}}}", r"\toprule", head, r"\midrule", *body]
        lines = [r"\begin{table}", r"\centering", *inside, r"\bottomrule", r"\end{tabular}"]
        lines += [rf"\caption{{{_latex(' '.join((caption + '.', *self.notes)))}}}", r"\end{table}"]
        return "\n".join(lines) + "\n"


def _latex(text: str) -> str:
    for plain, escaped in (("\\", r"\textbackslash "), ("%", r"\%"), ("_", r"\_"), ("&", r"\&"), ("#", r"\#")):
        text = text.replace(plain, escaped)
    return text.replace("±", r"$\pm$").replace("\N{MINUS SIGN}", "$-$").replace("<", "$<$")
