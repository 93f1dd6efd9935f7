"""``python -m c2fpose.evaluate ckpt=...``: measure a checkpoint's errors on the test subjects."""

from c2fpose.base.errors import exits_cleanly
from c2fpose.config.command_line import options
from c2fpose.config.evaluation import EvaluateSettings


@exits_cleanly
def main(words: list[str] | None = None) -> None:
    """Evaluate one checkpoint."""
    settings = options(EvaluateSettings, "evaluate.yaml", words, positional="ckpt")
    from c2fpose.evaluation.checkpoint import evaluate_checkpoint

    evaluate_checkpoint(settings)


if __name__ == "__main__":
    main()
