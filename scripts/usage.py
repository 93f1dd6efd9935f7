"""How a script is called: said where it is asked for, and where words are missing, before anything is done."""

import sys


def say_how(doc: str | None, least: int = 0) -> None:
    """Print a script's docstring and end for ``--help``, or, with exit code 2, for fewer words than it needs."""
    words = sys.argv[1:]
    asked = bool({"--help", "-h"} & set(words))
    if asked or len(words) < least:
        if not asked:
            print(f"error: {least} words are needed, {len(words)} given", file=sys.stderr)
        print((doc or "").strip(), file=sys.stdout if asked else sys.stderr)
        raise SystemExit(0 if asked else 2)
