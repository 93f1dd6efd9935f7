"""The benchmark itself: rounds in which everything has its turn, and the figures that come of them."""

import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, cast

import torch
from pydantic import Field
from pytorch_lightning import Callback

from c2fpose.base.progress import track
from c2fpose.base.provenance import code_version
from c2fpose.bench.contestants import (
    NETWORK_SPANS,
    SPANS,
    Engine,
    PlainPort,
    make_engine,
    predict_a_little,
    predicting,
    train_a_little,
)
from c2fpose.bench.measure import Clock, gflop_of, hardware, matrix_rate, peak_gib, read_and_write_ms, spread
from c2fpose.bench.original import ratios_to_original
from c2fpose.config.run import TrainSettings
from c2fpose.config.schema import Count, Schema
from c2fpose.data.datamodule import PoseData
from c2fpose.model.device import device_for
from c2fpose.model.module import PoseModule
from c2fpose.model.precision import computes_in_bf16
from c2fpose.model.volumes.loss import mean_squared_error
from c2fpose.prediction.engines import TORCH
from c2fpose.training.loggers import close_loggers, make_loggers
from c2fpose.training.run import following
from c2fpose.training.trainer import make_trainer, quiet_lightning

OURS, PLAIN = Engine.name, PlainPort.name


class BenchConfig(Schema):
    """How much is timed."""

    rounds: Count = 5  # every engine has its turn in each
    steps: Count = 5  # training steps of an engine in a round, after one that is not counted
    inference: Annotated[tuple[Count, ...], Field(min_length=1)] = (1, 8)  # images a batch
    plain: bool = True  # the plain port beside
    loop: bool = True  # the whole training loop, with loader, callbacks and loggers
    memory: bool = True  # peak memory, each engine in a process of its own
    keep: Count = 3  # runs of one scale and device that the figures hold, the newest first
    out: str = "docs/benchmark"  # directory of the figures; the page is made beside it


# long: one table of measurements, in the order of the page
def run(bench: BenchConfig, settings: TrainSettings, run_dir: Path) -> dict[str, Any]:
    """All figures of one run, as they go to JSON."""
    device = device_for(settings.trainer.accelerator, "trainer.accelerator")
    facts = hardware(device)
    engines = {name: make_engine(name, settings, device) for name in ([OURS, PLAIN] if bench.plain else [OURS])}
    clocks = {name: Clock(device) for name in engines}
    rates: dict[str, list[float]] = defaultdict(list)
    predictions: dict[tuple[str, int], list[float]] = defaultdict(list)
    loop_ms: list[float] = []
    ours = cast(Engine, engines[OURS])
    volume = _last_volume(ours, settings)

    predictors = {name: ours.predictor(name) for name in predicting(settings, device)}
    predict = {name: predictor.predict_points for name, predictor in predictors.items()}
    if bench.plain:
        predict[PLAIN] = cast(PlainPort, engines[PLAIN]).predict

    rounds = range(bench.rounds)
    for number in track(rounds, "rounds") if settings.trainer.progress else rounds:
        rates["float32"].append(matrix_rate(torch.float32, device))
        if computes_in_bf16(device.type) or ours.precision == "bf16-mixed":
            rates["bfloat16"].append(matrix_rate(torch.bfloat16, device))
        rates["read and write, ms"].append(read_and_write_ms(volume))
        rates["loss, ms"].append(_loss_ms(volume, settings.model.network.joint_count))
        for name, engine in engines.items():
            engine.step(Clock(device))
            for _ in range(bench.steps):
                engine.step(clocks[name])
        if bench.loop:
            loop_ms += _loop_steps_ms(settings, run_dir / f"round{number + 1}", bench.steps)
        for batch in bench.inference:
            for name, function in predict.items():
                predictions[name, batch] += _predictions_ms(function, batch, settings, bench.steps, device)

    images = torch.zeros(1, 3, *[settings.data.image_size] * 2, dtype=torch.uint8, device=device)
    results: dict[str, Any] = {
        "scale": settings.scale,
        "hardware": facts,
        "precision": ours.precision,
        "network": settings.model.network.model_dump(mode="json"),
        "batch": settings.data.batch_size,
        "mirrored": settings.model.decoding.flip,
        "bench": bench.model_dump(mode="json"),
        "date": time.strftime("%Y-%m-%d"),
        "code_version": code_version(),
        "machine": {name: spread(values) for name, values in rates.items()},
        "training": {name: _training(clock) for name, clock in clocks.items()},
        "training_gflop": gflop_of(lambda: ours.step(Clock(device))),
        "loop_ms": spread(loop_ms) if loop_ms else None,
        "inference_ms": {name: {str(b): spread(predictions[name, b]) for b in bench.inference} for name in predict},
        "inference_precision": {name: predictor.precision for name, predictor in predictors.items()},
        "inference_gflop_an_image": gflop_of(lambda: predict[TORCH](images)),
    }
    names = list(predict)
    del engines, ours, predictors, predict
    if bench.memory:
        results["training_peak_gib"] = {name: peak_gib(train_a_little, name, settings, device) for name in clocks}
        largest = max(bench.inference)
        results["inference_peak_gib"] = {
            name: peak_gib(predict_a_little, name, settings, device, largest) for name in names
        }
    results["ratios"] = ratios(results)
    return results


def ratios(results: dict[str, Any]) -> dict[str, float]:
    """Sum up what matters of the figures, each as one number over another."""
    training, machine = results["training"], results["machine"]
    ours = training[OURS]
    # a limit of the machine is the best that was seen of it, whatever else ran meanwhile
    rate = machine["bfloat16" if results["precision"] == "bf16-mixed" else "float32"]["most"]
    floor_ms = 1000 * results["training_gflop"] / rate
    bare_ms = ours["network"]["median"]
    found = {
        "training: floor of the matrix products / network step": floor_ms / bare_ms,
        "training: loss of the last volume / one read and one write of it": machine["loss, ms"]["least"]
        / machine["read and write, ms"]["least"],
    }
    if PLAIN in training:
        found["training: plain port's step / ours"] = training[PLAIN]["step"]["median"] / ours["step"]["median"]
    if results["loop_ms"]:
        found["training: whole loop / network step"] = results["loop_ms"]["median"] / bare_ms
    if PLAIN in results.get("training_peak_gib", {}):
        found["training: memory, ours / plain port"] = (
            results["training_peak_gib"][OURS] / results["training_peak_gib"][PLAIN]
        )
    times, memory = results["inference_ms"], results.get("inference_peak_gib", {})
    plain = times.get(PLAIN)
    engines = [name for name in times if name != PLAIN]
    for batch in times[TORCH]:
        floor_ms = 1000 * results["inference_gflop_an_image"] * int(batch) / rate
        for name in engines:
            ours_ms, what = times[name][batch]["median"], f"inference, batch {batch}"
            found[f"{what}: floor of the matrix products / {name}"] = floor_ms / ours_ms
            if plain:
                found[f"{what}: plain port / {name}"] = plain[batch]["median"] / ours_ms
    if PLAIN in memory:
        found |= {f"inference: memory, {name} / plain port": memory[name] / memory[PLAIN] for name in engines}
    return found | ratios_to_original(results, OURS, engines)


def _last_volume(engine: Engine, settings: TrainSettings) -> torch.Tensor:
    """Of the size, type and memory layout of the last stack's."""
    network, dtype = settings.model.network, torch.bfloat16 if engine.precision == "bf16-mixed" else torch.float32
    shape = (
        settings.data.batch_size,
        network.joint_count * network.depths[-1],
        network.heatmap_size,
        network.heatmap_size,
    )
    return torch.zeros(shape, dtype=dtype, device=engine.device).contiguous(memory_format=torch.channels_last)


def _loss_ms(volume: torch.Tensor, joints: int) -> float:
    """Loss and gradient of a volume whose target is three factors."""
    heatmaps = volume.detach().unflatten(1, (joints, -1)).requires_grad_()
    batch, joints, depth, rows, columns = heatmaps.shape
    factors = [torch.rand(batch, joints, size, device=volume.device) for size in (depth, rows, columns)]
    clock = Clock(volume.device)
    for _ in range(4):
        heatmaps.grad = None
        mean_squared_error(heatmaps, *factors).backward()
        clock.mark("loss")
    return min(clock.spans_ms["loss"])


def _training(clock: Clock) -> dict[str, Any]:
    spans = {name: clock.spans_ms[name] for name in SPANS}
    steps = [sum(parts) for parts in zip(*spans.values(), strict=True)]
    network = [sum(parts) for parts in zip(*(spans[name] for name in NETWORK_SPANS), strict=True)]
    return {
        "spans": {name: spread(values) for name, values in spans.items()},
        "network": spread(network),  # forward, backward and optimiser alone
        "step": spread(steps),
    }


def _predictions_ms(
    predict: Callable[[torch.Tensor], torch.Tensor],
    batch: int,
    settings: TrainSettings,
    count: int,
    device: torch.device,
) -> list[float]:
    size = settings.data.image_size
    image = torch.randint(0, 256, (batch, 3, size, size), dtype=torch.uint8).to(device)
    predict(image)
    clock = Clock(device)
    for _ in range(count):
        predict(image)
        clock.mark("predict")
    return clock.spans_ms["predict"]


def _loop_steps_ms(settings: TrainSettings, run_dir: Path, steps: int) -> list[float]:
    """Measure the times between the ends of steps of the real training loop, as ``c2fpose.train`` sets it up."""
    clock = Clock(device_for(settings.trainer.accelerator, "trainer.accelerator"))

    class StepClock(Callback):
        def on_train_batch_end(self, *_: Any) -> None:
            clock.mark("step")

    quiet_lightning()
    run_dir.mkdir(parents=True)
    uncounted = 2
    trainer_config = settings.trainer.model_copy(
        update={"max_steps": steps + uncounted, "validate_every": steps + uncounted + 1, "progress": False}
    )
    settings = settings.model_copy(update={"trainer": trainer_config})
    data = PoseData(settings.data, seed=settings.seed)
    data.setup()
    settings = following(settings, data)
    loggers = make_loggers(settings.logger, "bench", run_dir, {})
    trainer = make_trainer(settings, run_dir, loggers)
    trainer.callbacks.append(StepClock())  # type: ignore[attr-defined]  # set where Lightning declares nothing
    trainer.limit_val_batches = 0
    try:
        trainer.fit(PoseModule(settings.model.model_dump(mode="json")), datamodule=data)
    finally:
        close_loggers(loggers)
    return clock.spans_ms["step"][uncounted:]
