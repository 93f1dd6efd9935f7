"""``python -m c2fpose.data.skeleton skeleton.yaml``: draw a skeleton, to see which joint hangs on which."""

from pathlib import Path

from c2fpose.base.errors import ConfigError, exits_cleanly
from c2fpose.config.command_line import options
from c2fpose.config.schema import Schema


class SkeletonSettings(Schema):
    """The keys of ``conf/skeleton.yaml``."""

    file: str
    out: Path | None = None
    overwrite: bool = False


@exits_cleanly
def main(words: list[str] | None = None) -> None:
    """Draw one skeleton."""
    settings = options(SkeletonSettings, "skeleton.yaml", words, positional="file")
    from c2fpose.pictures.figure import save_png
    from c2fpose.pictures.skeleton import skeleton_figure
    from c2fpose.pose.skeleton import SKELETONS, Skeleton

    skeleton = SKELETONS.get(settings.file) or Skeleton.from_file(settings.file)
    out = settings.out or Path(settings.file).with_suffix(".png")
    if out.suffix.lower() != ".png":
        raise ConfigError(f"out={out}: a drawing is a PNG; give a name that ends in .png")
    if out.exists() and not settings.overwrite:
        raise ConfigError(f"{out}: is there already; overwrite=true replaces it, out= names another")
    save_png(skeleton_figure(skeleton, f"{Path(settings.file).name}: {skeleton.joints} joints"), out)
    print(f"{skeleton.joints} joints, root {skeleton.names[skeleton.root]}; drawn: {out}")


if __name__ == "__main__":
    main()
