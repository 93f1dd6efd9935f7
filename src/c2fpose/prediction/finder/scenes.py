"""Finder scenes: none to four people set into rooms and painted surroundings, most of the picture empty.

A scene is a square, the finder's frame: a picture of any usual shape with black about it, so that a person whose pelvis
lies outside the picture can be found too.
"""

from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float, Int, UInt8

from c2fpose.pose.skeleton import ROOT
from c2fpose.prediction.finder.backdrops import backdrop, with_things
from c2fpose.prediction.finder.cutouts import Cutout, Room
from c2fpose.prediction.finder.find import FRAME_PER_PICTURE
from c2fpose.prediction.person_box import square_box

ASPECTS = (1.0, 4 / 3, 3 / 2, 16 / 9)  # of pictures, upright or lying
PEOPLE_SHARES = (0.2, 0.4, 0.24, 0.12, 0.04)  # of scenes with 0, 1, ... people
SIDES = (0.1, 1.3)  # of a person's box, as a share of the picture's longer side: uniform in the logarithm
HIDDEN = 0.75  # a person of whom more is covered or outside is no person to be found
_STREAM = 602  # key of this module in seed sequences


class Scene(NamedTuple):
    """A picture in the finder's frame and the people to be found; shares of the frame's side."""

    image: UInt8[np.ndarray, "S S 3"]
    pelvis: Float[np.ndarray, "people 2"]
    center: Float[np.ndarray, "people 2"]  # of the box
    side: Float[np.ndarray, " people"]


def scene(seed: int, number: int, size: int, cutouts: list[Cutout], rooms: list[Room]) -> Scene:
    """Make one scene: a pure function of its arguments."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, _STREAM, number]))
    aspect = float(rng.choice(ASPECTS))
    longer = round(size / FRAME_PER_PICTURE)
    rows, columns = (longer, round(longer / aspect)) if rng.random() < 0.5 else (round(longer / aspect), longer)
    picture, joints_px = _surroundings(rng, rows, columns, rooms)
    everybody = list(joints_px)
    wanted = int(rng.choice(len(PEOPLE_SHARES), p=PEOPLE_SHARES))
    owner = np.full((rows, columns), -1, np.int32)
    pasted = [_placed(rng, rows, columns, cutouts) for _ in range(wanted - len(everybody))]
    for image, alpha, joints in sorted(pasted, key=lambda each: each[2][:, 1].max()):  # the lower, the nearer
        picture += ((image.astype(np.float32) - picture) * alpha[..., None]).astype(picture.dtype)
        owner[alpha > 0.5] = len(everybody)
        everybody.append(joints)
    if rng.random() < 0.3:  # something stands in front
        picture = with_things(rng, np.clip(picture, 0, 255).astype(np.uint8), int(rng.integers(1, 4)))
    kept = [who for who, joints in enumerate(everybody) if _seen(who, joints, owner)]
    picture = _photographed(rng, np.clip(picture, 0, 255).astype(np.uint8))
    frame = np.zeros((size, size, 3), np.uint8)
    left_top = np.array([(size - columns) // 2, (size - rows) // 2])
    frame[left_top[1] : left_top[1] + rows, left_top[0] : left_top[0] + columns] = picture
    joints = np.array([everybody[who] for who in kept]).reshape(-1, 17, 2) + left_top
    center, side = square_box(joints) if len(joints) else (np.empty((0, 2)), np.empty(0))
    return Scene(frame, joints[:, ROOT] / size, center / size, np.asarray(side) / size)


def mirrored(sight: Scene) -> Scene:
    """Mirror a scene left to right."""
    pelvis, center = (np.column_stack([1 - place[:, 0], place[:, 1]]) for place in (sight.pelvis, sight.center))
    return Scene(np.ascontiguousarray(sight.image[:, ::-1]), pelvis, center, sight.side)


def _surroundings(
    rng: np.random.Generator, rows: int, columns: int, rooms: list[Room]
) -> tuple[Float[np.ndarray, "rows columns 3"], Float[np.ndarray, "people 17 2"]]:
    if not rooms or rng.random() < 0.5:
        return backdrop(rng, rows, columns).astype(np.float32), np.empty((0, 17, 2))
    room = rooms[rng.integers(len(rooms))]
    scale = max(rows, columns) / room.image.shape[0]
    side = max(rows, columns)
    image = cv2.resize(room.image, (side, side), interpolation=cv2.INTER_AREA)
    left, top = (side - columns) // 2, (side - rows) // 2
    image, joints = image[top : top + rows, left : left + columns], room.joints_px * scale - [left, top]
    if rng.random() < 0.5:
        image, joints = image[:, ::-1], joints * [-1, 1] + [columns, 0]
    return _recoloured(rng, image).astype(np.float32), joints


def _placed(
    rng: np.random.Generator, rows: int, columns: int, cutouts: list[Cutout]
) -> tuple[UInt8[np.ndarray, "rows columns 3"], Float[np.ndarray, "rows columns"], Float[np.ndarray, "17 2"]]:
    """Place a person's colours, share of each pixel and joints, somewhere in a picture; limbs may be outside."""
    cutout = cutouts[rng.integers(len(cutouts))]
    extent = np.ptp(cutout.joints_px, axis=0).max()
    side = max(rows, columns) * np.exp(rng.uniform(*np.log(SIDES)))
    scale, turn = side / extent, np.radians(rng.normal(0, 8))
    a, b = scale * np.cos(turn), scale * np.sin(turn)
    linear = np.array([[a, -b], [b, a]]) @ np.diag([rng.choice([-1, 1]) * np.exp(rng.normal(0, 0.06)), 1])
    margin = rng.choice([0.0, 0.3], p=[0.7, 0.3])  # some are cut by the picture's edge
    reach = np.array([columns, rows]) / 2 - side / 2 * (1 - 2 * margin)
    at = np.array([columns, rows]) / 2 + rng.uniform(-1, 1, 2) * np.abs(reach)
    source = cutout.joints_px
    middle = (source.min(0) + source.max(0)) / 2
    shift = at - linear @ middle
    image, alpha = _recoloured(rng, cutout.image), cutout.alpha
    for _ in range(int(np.log2(max(1, 0.75 / scale)))):  # against aliasing
        image, alpha = cv2.pyrDown(image), cv2.pyrDown(alpha)
        linear, source = linear * 2, source / 2
    affine = np.column_stack([linear, shift])
    to = (columns, rows)
    return (
        cv2.warpAffine(image, affine, to, borderMode=cv2.BORDER_REPLICATE),
        cv2.warpAffine(alpha, affine, to).astype(np.float32) / 255,
        source @ linear.T + shift,
    )


def _recoloured(
    rng: np.random.Generator, image: UInt8[np.ndarray, "rows columns 3"]
) -> UInt8[np.ndarray, "rows columns 3"]:
    """Other clothes and light: the hue turned, all colours stronger or weaker, brighter or darker."""
    hsv = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2HSV).astype(np.int16)
    hsv[..., 0] = (hsv[..., 0] + int(rng.normal(0, 12 if rng.random() < 0.6 else 60))) % 180
    hsv[..., 1] = np.clip(hsv[..., 1] * rng.uniform(0.4, 1.5), 0, 255)
    value = 255 * (hsv[..., 2] / 255.0) ** np.exp(rng.normal(0, 0.35)) * np.exp(rng.normal(0, 0.2))
    hsv[..., 2] = np.clip(value, 0, 255)
    return cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB)


def _photographed(
    rng: np.random.Generator, image: UInt8[np.ndarray, "rows columns 3"]
) -> UInt8[np.ndarray, "rows columns 3"]:
    """Do what a camera does to all of a picture: tone, tint, blur, noise, JPEG."""
    tone = (np.linspace(0, 1, 256) ** np.exp(rng.normal(0, 0.25)) - 0.5) * np.exp(rng.normal(0, 0.2)) + 0.5
    tint = 1 + rng.normal(0, 0.06, 3)
    table = np.clip(255 * (tone[:, None] + rng.normal(0, 0.05)) * tint, 0, 255)
    image = cv2.LUT(image, table.astype(np.uint8)[:, None])
    if rng.random() < 0.1:
        image = np.repeat(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None], 3, -1)
    if rng.random() < 0.4:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 1.5))
    if rng.random() < 0.4:
        noise = rng.standard_normal(image.shape, np.float32) * np.float32(rng.uniform(2, 14))
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.5:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 95))]
        image = np.asarray(cv2.imdecode(cv2.imencode(".jpg", image, quality)[1], cv2.IMREAD_COLOR))
    return image


def _seen(who: int, joints_px: Float[np.ndarray, "17 2"], owner: Int[np.ndarray, "rows columns"]) -> bool:
    """Whether enough of a person is inside the picture and not behind others. By joints: each counts if its pixel is
    the picture's own and no other person's who stands in front."""
    (rows, columns), (x, y) = owner.shape, np.floor(joints_px).astype(int).T
    inside = (x >= 0) & (y >= 0) & (x < columns) & (y < rows)
    covered = owner[np.clip(y, 0, rows - 1), np.clip(x, 0, columns - 1)] > who
    return bool((inside & ~covered).mean() >= 1 - HIDDEN)
