"""``python -m c2fpose.data.prepare source=... path=... out=...``: turn Human3.6M, or your own data, into HDF5 files."""

import sys

from c2fpose.base.errors import ConfigError, exits_cleanly
from c2fpose.base.signals import GOES_ON, stops_in_one_line
from c2fpose.config.command_line import options


@exits_cleanly
def main(arguments: list[str] | None = None) -> None:
    """Check a data source and write the files that it has records for."""
    words = sys.argv[1:] if arguments is None else arguments
    source = _source(words)
    from c2fpose.data.custom.readers import names
    from c2fpose.data.human36m import sources

    if source is not None and source not in (*names(), *sources.names()):
        raise ConfigError(
            f"source={source}: unknown; one of {', '.join(names())}, or {', '.join(sources.names())} of Human3.6M"
        )
    if source in names():
        from c2fpose.data.custom.options import CustomConfig
        from c2fpose.data.custom.preparation import prepare as prepare_custom

        config = options(CustomConfig, "prepare_custom.yaml", arguments)
        with stops_in_one_line(GOES_ON, grace_s=1):
            prepare_custom(config)
    else:
        from c2fpose.data.human36m.options import PrepareConfig
        from c2fpose.data.human36m.preparation import prepare

        of_human36m = options(PrepareConfig, "prepare.yaml", arguments)
        with stops_in_one_line(GOES_ON, grace_s=1):
            prepare(of_human36m)


def _source(words: list[str]) -> str | None:
    """Find which source is asked for: the keys of the others are not the same."""
    for word, behind in zip(words, [*words[1:], ""], strict=True):
        key, equals, value = word.removeprefix("--").partition("=")
        if key == "source" and (equals or word.startswith("--")):
            return value if equals else behind
    return None


if __name__ == "__main__":
    main()
