"""How joints are read from a network's output in pictures: as it was trained, or as is asked for."""

from dataclasses import replace

from c2fpose.base.errors import ConfigError
from c2fpose.config.prediction import MOST_POWER
from c2fpose.prediction.engines import Predictor


def read_as_asked(predictor: Predictor, flip: bool | None = None, power: float | None = None) -> Predictor:
    """Set whether mirror images are averaged in, and the power of the volume by which joints are read.

    None: as the network's configuration says; of the power, ``decoding.predict_power`` before ``decoding.power``.
    Raises ``ConfigError`` for a power that is none, and for a network whose joints are not read by one.
    """
    decoding = predictor.config.decoding
    by_power = decoding.method == "expectation" and "expectation" in predictor.config.representation.decodings
    if power is not None and not 0 < power <= MOST_POWER:
        raise ConfigError(f"power={power}: expected more than 0, at most {MOST_POWER:g}")
    if power is not None and not by_power:
        raise ConfigError(
            f"power={power:g} is for networks whose joints are read by decoding.method=expectation; this one's "
            f"(head={predictor.config.network.head}, decoding.method={decoding.method}) are not"
        )
    chosen = power or (decoding.predict_power if by_power else None) or decoding.power
    mirrored = decoding.flip if flip is None else flip
    decoding = decoding.model_copy(update={"power": chosen, "flip": mirrored})
    return replace(predictor, config=predictor.config.model_copy(update={"decoding": decoding}))
