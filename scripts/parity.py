"""Print how far this package is from the original system, quantity by quantity: ``python scripts/parity.py``.

Everything is computed again from ``tests/fixtures``, which hold answers of the authors' own code (Torch7 and MATLAB
under Octave) on synthetic people and random weights. ``docs/parity.md`` holds a printed copy.
"""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from scipy.optimize import minimize
from usage import say_how

TORCH7, POSES = "model/checkpoints/test_torch7_network.py", "pose/test_to_millimetres.py"
ROOT = Path(__file__).resolve().parents[1]
FIXTURES = ROOT / "tests" / "fixtures"
sys.path.insert(0, str(ROOT / "tests" / "helpers"))

from original_networks import Layers, stacked, uniform  # noqa: E402

from c2fpose.config.model import NetworkConfig, TargetConfig  # noqa: E402
from c2fpose.model.checkpoints.torch7_file import load  # noqa: E402
from c2fpose.model.checkpoints.torch7_network import layers_with_weights, read_network  # noqa: E402
from c2fpose.model.networks.coarse_to_fine import CoarseToFine  # noqa: E402
from c2fpose.model.networks.cost import count_parameters  # noqa: E402
from c2fpose.model.volumes.targets import target_profiles  # noqa: E402
from c2fpose.pose import camera  # noqa: E402
from c2fpose.pose import to_millimetres as poses  # noqa: E402
from c2fpose.pose.metrics import joint_errors_mm  # noqa: E402
from c2fpose.pose.protocol import MEAN_LIMB_LENGTHS_MM  # noqa: E402
from c2fpose.pose.skeleton import limb_lengths_mm  # noqa: E402

# Millions of parameters, counted in the authors' networks.
PARAMETERS = {
    ("stacked", (1, 64)): 26.9,
    ("stacked", (64, 64)): 27.6,
    ("stacked", (1, 2, 64)): 40.2,
    ("stacked", (64, 64, 64)): 41.7,
    ("stacked", (1, 2, 4, 64)): 53.6,
    ("stacked", (64, 64, 64, 64)): 55.9,
    ("uniform", (64,)): 9.7,
}
NETWORKS = {"torch7_hg-stacked-2.t7": ("stacked", stacked), "torch7_hg-1.t7": ("uniform", uniform)}
ANSWERS = {"exact": " (the original's fit solved exactly)", "octave": " (the original's optimiser, which stops early)"}
Row = tuple[str, str, str, str, str]  # quantity, original, ours, largest difference, test


def parameters() -> Iterator[Row]:
    """Full-width networks."""
    for (family, depths), millions in PARAMETERS.items():
        with torch.device("meta"):
            ours = count_parameters(CoarseToFine(NetworkConfig(family=family, depths=depths)))
        schedule = ",".join(map(str, depths))
        difference = f"{abs(round(ours / 1e6, 1) - millions):.1f} M"
        yield f"parameters, {family} {schedule}", f"{millions} M", f"{ours:,}", difference, "model/networks"


def outputs_and_gradients() -> Iterator[Row]:
    """Imported weights: outputs against Torch7's, gradients against a second forward pass in float64."""
    answers = np.load(FIXTURES / "torch7_outputs.npz")
    image = torch.from_numpy(answers["image"])
    for name, (family, forward) in NETWORKS.items():
        network = read_network(FIXTURES / name)
        with torch.inference_mode():
            ours = [output.flatten(1, 2)[:, :, 1::3, 1::3].numpy() for output in network(image)]
        for stack, output in enumerate(ours, start=1):
            original = answers[f"{family}_{stack}"]
            yield (
                f"output of imported {family} network, stack {stack}, float32",
                f"up to {np.abs(original).max():.3f}", f"up to {np.abs(output).max():.3f}",
                f"{np.abs(output - original).max():.1e}", TORCH7,
            )  # fmt: skip
        yield _gradient_row(network.double(), forward, family, image[..., 64:128, 64:128].double(), FIXTURES / name)


def _gradient_row(network: CoarseToFine, forward, family: str, image: torch.Tensor, path: Path) -> Row:
    layers = [
        {name: torch.tensor(value).double() for name, value in layer.items()}
        for layer in layers_with_weights(load(path), path)
    ]
    learned = [layer[name].requires_grad_() for layer in layers for name in ("weight", "bias")]
    sum(output.square().mean() for output in network(image)).backward()
    theirs = forward(Layers(layers), image, network.config.width, len(network.config.depths))
    sum(output.square().mean() for output in theirs).backward()
    ours = {p.detach().numpy().tobytes(): p.grad.flatten() for p in network.parameters()}
    pairs = [(ours[weight.detach().numpy().tobytes()], weight.grad.flatten()) for weight in learned]
    largest = max(gradient.abs().max().item() for _, gradient in pairs)
    difference = max((mine - other).abs().max().item() for mine, other in pairs)
    kind = f"gradients of {len(pairs)} weights, {family}, evaluation mode, float64 (original: a second forward pass)"
    mine = max(gradient.abs().max().item() for gradient, _ in pairs)
    return kind, f"up to {largest:.6g}", f"up to {mine:.6g}", f"{difference:.1e}", TORCH7


def targets() -> Iterator[Row]:
    """Target volumes, away from the left and top border, where the original's drawing has a defect."""
    answers = np.load(FIXTURES / "target_volumes.npz")
    cells = answers["points_xyz_1based"] - 1
    comparable = (cells[:, :2] >= 6).all(1)
    points = torch.tensor((cells + 0.5) / 64, dtype=torch.float32)[None]
    visible = torch.ones(1, len(cells), dtype=torch.bool)
    config = TargetConfig(definition="released_code")
    for depth in (1, 2, 4, 8, 16, 32, 64):
        ours = target_profiles(points, visible, (depth, 64, 64), config).volume()[0].numpy()[comparable]
        original = answers[f"volume_d{depth}"].reshape(len(cells), depth, 64, 64)[comparable]
        yield (
            f"target volume, d = {depth}, {comparable.sum()} joints", f"sum {original.sum():.3f}",
            f"sum {ours.sum():.3f}", f"{np.abs(ours - original).max():.1e}", "model/volumes/test_volumes.py",
        )  # fmt: skip


def metric() -> Iterator[Row]:
    """From voxels to millimetres."""
    people = dict(np.load(FIXTURES / "evaluation.npz"))
    intrinsics, true = people["intrinsics"][:, [0, 1, 0, 1], [0, 1, 2, 2]], people["joints_cam_mm"]
    left_top, size = poses.released_box(people["center"], people["scale"])
    box = np.concatenate([left_top, left_top + size - 1], -1)
    difference = np.abs(box - people["clean_bbox_1based"]).max()
    means = (f"mean edge {edges.mean():.4f}" for edges in (people["clean_bbox_1based"], box))
    yield f"edges of {len(box)} boxes, px", *means, f"{difference:.0f}", POSES
    for kind in ("clean", "noisy"):
        voxels = people[f"{kind}_voxels_1based"].astype(int) - 1
        for index, rule in enumerate(camera.RULES_OF_DEPTHS):
            words = camera.ROOT_DEPTH_RULES[rule]
            ours = poses.released_poses_cam_mm(voxels, people["center"], people["scale"], intrinsics, rule, true)
            errors = joint_errors_mm(ours, true).mean(1)
            if index == 0:
                original = people[f"{kind}_pose_octave"][0]
                yield (
                    f"{original.size} coordinates of poses, {kind} voxels, {words}, mm",
                    f"mean {original.mean():.6f}", f"mean {ours.mean():.6f}",
                    f"{np.abs(ours - original).max():.1e}", POSES,
                )  # fmt: skip
            answers = {"octave": ""} if index == 0 else ANSWERS
            for answer, note in answers.items():
                original = people[f"{kind}_mpjpe_{answer}"][index]
                yield (
                    f"MPJPE of {kind} voxels, {words}, mm{note}", f"mean {original.mean():.4f}",
                    f"mean {errors.mean():.4f}", f"{np.abs(errors - original).max():.1e}", POSES,
                )  # fmt: skip


def fit_speed(people_fitted: int = 20_000, scalar_fits: int = 20) -> Iterator[Row]:
    """Root depth of one person: one scalar fit each against ours over a batch."""
    people = dict(np.load(FIXTURES / "evaluation.npz"))
    intrinsics = people["intrinsics"][:, [0, 1, 0, 1], [0, 1, 2, 2]]
    px, depth = people["noisy_joints_px"], camera.depth_of_bin_mm(people["noisy_voxels_1based"][..., 2] - 1)
    lengths = np.array(MEAN_LIMB_LENGTHS_MM)

    def cost(z, person: int) -> float:
        pose = camera.back_project(px[person], depth[person] + z[0], intrinsics[person])
        return float(np.sqrt(((limb_lengths_mm(pose) - lengths) ** 2).sum()))

    started = time.perf_counter()
    for person in range(scalar_fits):
        minimize(cost, [camera.FIT_START_MM], args=(person,), method="Nelder-Mead")
    scalar = (time.perf_counter() - started) / scalar_fits
    many = np.arange(people_fitted) % len(px)
    arguments = px[many], depth[many], intrinsics[many], lengths
    started = time.perf_counter()
    camera.fit_root_depth_mm(*arguments)
    ours = (time.perf_counter() - started) / people_fitted
    yield (
        "root-depth fit of one person, time (original: SciPy's Nelder-Mead, one person at a time)",
        f"{scalar * 1e3:.2f} ms", f"{ours * 1e6:.1f} µs", f"{scalar / ours:.0f} times faster", "-",
    )  # fmt: skip


def main() -> None:
    """Print the table as Markdown."""
    torch.set_num_threads(1)
    print("| quantity | original | ours | largest difference | tests |\n|---|---|---|---|---|")
    for part in (parameters, outputs_and_gradients, targets, metric, fit_speed):
        for *cells, test in part():
            where = "-" if test == "-" else f"`tests/{test}`"
            print(f"| {' | '.join(cells)} | {where} |", flush=True)


if __name__ == "__main__":
    say_how(__doc__)
    main()
