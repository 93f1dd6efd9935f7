"""Targets, loss, peaks and the file: a perfect output gives the people back, and a short training learns."""

import contextlib
import copy

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from c2fpose.base.errors import DataError, UserError
from c2fpose.base.files import OutputError
from c2fpose.prediction.finder import training
from c2fpose.prediction.finder.cutouts import Cutout
from c2fpose.prediction.finder.find import FRAME_PER_PICTURE, framed, people_in
from c2fpose.prediction.finder.measure import best_threshold, compare, people_of, seen
from c2fpose.prediction.finder.network import STRIDE, Finder
from c2fpose.prediction.finder.peaks import Peak, peaks
from c2fpose.prediction.finder.scenes import Scene
from c2fpose.prediction.finder.training import Recipe, loss_of, targets, train
from c2fpose.prediction.finder.weights import TrainedFinder, folded, load_finder, save_finder
from c2fpose.prediction.photo import Box

SIZE = 128


def sight(*people) -> Scene:
    """(pelvis x, y, centre x, y, side) each, in shares of the frame."""
    values = np.array(people, float).reshape(-1, 5)
    return Scene(np.zeros((SIZE, SIZE, 3), np.uint8), values[:, :2], values[:, 2:4], values[:, 4])


PEOPLE = ((0.3, 0.4, 0.32, 0.45, 0.3), (0.7, 0.6, 0.7, 0.55, 0.5), (0.75, 0.2, 0.75, 0.2, 0.12))


def perfect(scene: Scene) -> torch.Tensor:
    """The network's output that the targets ask for."""
    heat, box, _ = targets(scene)
    logit = np.log(np.clip(heat, 1e-4, 1 - 1e-4) / (1 - np.clip(heat, 1e-4, 1 - 1e-4)))
    return torch.from_numpy(np.concatenate([logit[None], box]))


def test_peaks_of_the_targets_are_the_people():
    truth = sight(*PEOPLE)
    found = sorted(peaks(perfect(truth), 0.5), key=lambda peak: peak.center[0])
    known = sorted(people_of(truth), key=lambda peak: peak.center[0])
    assert len(found) == 3
    for one, other in zip(found, known, strict=True):
        np.testing.assert_allclose(one.center, other.center, atol=1e-6)
        assert one.side == pytest.approx(other.side) and one.score > 0.99
    assert peaks(perfect(sight()), 0.5) == []


def test_the_loss_is_least_at_the_target():
    heat, box, weight = (torch.from_numpy(part)[None] for part in targets(sight(*PEOPLE)))
    best = loss_of(perfect(sight(*PEOPLE))[None].float(), heat, box, weight)
    blank = loss_of(torch.full((1, 4, SIZE // STRIDE, SIZE // STRIDE), -4.0), heat, box, weight)
    assert best < 0.3 < 3 < blank


def test_overlap_and_counting():
    a, b = Peak(np.array([0.5, 0.5]), 0.2, 1.0), Peak(np.array([0.6, 0.5]), 0.2, 0.4)
    assert a.overlap(a) == pytest.approx(1) and a.overlap(b) == pytest.approx(1 / 3)
    assert a.overlap(Peak(np.array([0.9, 0.9]), 0.2, 1.0)) == 0
    said = compare([[a], []], [[a._replace(score=0.9), b], [b]], 0.3)
    assert (said.people, said.recall, said.precision, said.false_alarms) == (1, 1.0, pytest.approx(1 / 3), 1.0)
    assert compare([[a], []], [[a, b], [b]], 0.5).precision == 1
    assert 0.4 < best_threshold([[a], []], [[a, b], [b]]) <= 0.9


@pytest.mark.parametrize(("columns", "rows"), [(640, 480), (300, 900), (90, 90)])
def test_a_pictures_frame_leads_back_to_its_pixels(columns, rows):
    image = np.zeros((rows, columns, 3), np.uint8)
    x, y = columns * 3 // 4, rows // 4
    spot = max(columns, rows) // 20
    image[y - spot : y + spot, x - spot : x + spot] = 255
    frame, left_top, step = framed(image, SIZE)
    assert step == pytest.approx(max(rows, columns) * FRAME_PER_PICTURE / SIZE, rel=0.01)
    bright = np.argwhere(frame[..., 0] > 127).mean(0)[::-1] + 0.5
    np.testing.assert_allclose(left_top + bright * step, [x, y], atol=step)


@pytest.fixture(scope="module")
def learnt():
    """A network that has learnt to find bright squares with a dark middle."""
    image, alpha = np.zeros((144, 144, 3), np.uint8), np.zeros((144, 144), np.uint8)
    image[17:127, 40:104] = 255, 40, 40
    alpha[17:127, 40:104] = 255
    joints = np.column_stack([np.tile([40.0, 104], 9)[:17], np.linspace(17, 127, 17)])
    joints[0] = 72, 72
    losses: list[float] = []
    recipe = Recipe(size=SIZE, steps=60, batch=4, rate=4e-3, bf16=False)
    network = train(recipe, [Cutout(image, alpha, joints)], [], lambda step, loss: losses.append(loss))
    return network, losses


def test_training_learns(learnt):
    _, losses = learnt
    assert len(losses) == 60 and np.mean(losses[-20:]) < 0.7 * np.mean(losses[:10])


def test_a_training_goes_on_with_its_own_people_alone(tmp_path, monkeypatch):
    """Its state stands under the file's name: another training to the same place must not take it up."""
    monkeypatch.setattr(training, "KEEP_EVERY", 2)

    def trained(origin: str, until: int) -> list[int]:
        steps: list[int] = []

        def told(step: int, _: float) -> None:
            steps.append(step)
            if step > until:
                raise InterruptedError

        person = np.full((144, 144, 3), 200, np.uint8), np.full((144, 144), 255, np.uint8)
        joints = np.column_stack([np.linspace(40, 104, 17), np.linspace(17, 127, 17)])
        recipe = Recipe(size=64, steps=4, batch=2, bf16=False)
        with contextlib.suppress(InterruptedError):
            train(recipe, [Cutout(*person, joints)], [], told, state=tmp_path / "f.state", origin=origin)
        return steps

    assert trained("synth36", 2) == [1, 2, 3]
    assert trained("synth36", 2) == [3]
    assert trained("synth36 and others", 4) == [1, 2, 3, 4]
    (tmp_path / "f.state").write_bytes((tmp_path / "f.state").read_bytes()[:1000])
    with pytest.raises(DataError, match=r"f\.state: no state of a training .* delete it to begin again"):
        trained("synth36 and others", 4)


def test_a_full_disk_is_said_in_a_line(tmp_path, monkeypatch):
    def full(*_):
        raise RuntimeError("PytorchStreamWriter failed writing file data/0: file write failed")

    monkeypatch.setattr(training, "KEEP_EVERY", 1)
    monkeypatch.setattr(training.torch, "save", full)
    person = Cutout(np.zeros((144, 144, 3), np.uint8), np.full((144, 144), 255, np.uint8), np.eye(17, 2) * 99)
    with pytest.raises(OutputError, match=r"f\.state: cannot be written \("):
        train(Recipe(size=64, steps=1, batch=2, bf16=False), [person], [], state=tmp_path / "f.state")
    assert not list(tmp_path.iterdir())


def test_the_file_holds_the_network(learnt, tmp_path):
    network, _ = learnt
    image = torch.randint(0, 255, (1, 3, SIZE, SIZE), dtype=torch.uint8, generator=torch.manual_seed(0))
    with torch.no_grad():
        before = network(image)
        save_finder(tmp_path / "f.safetensors", network, {"size": SIZE, "least_score": 0.4, "data": {}})
        found = load_finder(tmp_path / "f.safetensors")
        after = found.network(image)
    assert (tmp_path / "f.safetensors").stat().st_size < 1_000_000
    assert (found.size, found.least_score) == (SIZE, 0.4)
    torch.testing.assert_close(after, before, atol=0.05, rtol=0.02)  # half precision


def test_folding_changes_nothing(learnt):
    network, _ = learnt
    image = torch.randint(0, 255, (2, 3, SIZE, SIZE), dtype=torch.uint8)
    with torch.no_grad():
        torch.testing.assert_close(folded(copy.deepcopy(network))(image), network(image), atol=1e-3, rtol=1e-3)


def test_boxes_come_back_in_pixels_of_the_picture():
    class Knows(torch.nn.Module):
        def forward(self, image):
            return perfect(sight((0.5, 0.5, 0.5, 0.5, 0.25)))[None].expand(len(image), -1, -1, -1)

    ((box, score),) = people_in(TrainedFinder(Knows(), SIZE, 0.5, {}), np.zeros((200, 400, 3), np.uint8))
    side = 0.25 * 400 * FRAME_PER_PICTURE
    assert tuple(box) == pytest.approx((200 - side / 2, 100 - side / 2, side), abs=400 / SIZE) and isinstance(box, Box)
    assert score > 0.9


def test_finding_on_scenes_goes_through_the_network(learnt):
    assert len(seen(learnt[0], [sight(*PEOPLE), sight()])) == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "no such finder"), (b"nonsense", "not a finder, or a damaged one"), ("other", "not a finder's")],
)
def test_other_files_are_refused(tmp_path, content, message):
    path = tmp_path / "f.safetensors"
    if content == "other":
        save_file({"a": torch.zeros(1)}, path)
    elif content:
        path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        load_finder(path)


def test_the_network_takes_any_multiple_of_64():
    assert Finder()(torch.zeros(1, 3, 192, 192, dtype=torch.uint8)).shape == (1, 4, 24, 24)
