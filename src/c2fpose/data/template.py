"""``python -m c2fpose.data.template out=DIR``: write the files for data of your own, empty, or from a CSV or COCO."""

from c2fpose.base.errors import exits_cleanly
from c2fpose.config.command_line import options
from c2fpose.data.custom.options import TemplateConfig


@exits_cleanly
def main(words: list[str] | None = None) -> None:
    """Write the template."""
    config = options(TemplateConfig, "template.yaml", words)
    from c2fpose.data.custom.template import write_template

    write_template(config)


if __name__ == "__main__":
    main()
