"""``python -m c2fpose.data.prepare source=... path=... out=...``: Human3.6M to ``train.h5`` and ``test.h5``."""

from c2fpose.base.errors import exits_cleanly
from c2fpose.base.signals import GOES_ON, stops_in_one_line
from c2fpose.config.command_line import options
from c2fpose.data.human36m.options import PrepareConfig
from c2fpose.data.human36m.preparation import prepare


@exits_cleanly
def main(arguments: list[str] | None = None) -> None:
    """The command."""
    config = options(PrepareConfig, "prepare.yaml", arguments)
    with stops_in_one_line(GOES_ON, grace_s=1):
        prepare(config)


if __name__ == "__main__":
    main()
