import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c2fpose.data.crops import released as released_crop
from c2fpose.data.crops import standard as crop

_EXIF = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
EXIF_QUARTER_TURN = b"\xff\xe1" + (len(_EXIF) + 2).to_bytes(2, "big") + _EXIF


def blob(points_px: np.ndarray, size: int, sigma: float = 3.0) -> np.ndarray:
    """A picture with a soft dot at each continuous position, by the formula; dots are far apart."""
    centers = np.arange(size) + 0.5
    x, y = points_px[:, 0, None], points_px[:, 1, None]
    along_x, along_y = np.exp(-((centers - x) ** 2) / (2 * sigma**2)), np.exp(-((centers - y) ** 2) / (2 * sigma**2))
    return np.repeat((255 * np.einsum("nr,nc->rc", along_y, along_x))[..., None], 3, axis=2).round().astype(np.uint8)


def centroid(image: np.ndarray, near: np.ndarray, radius: int) -> np.ndarray:
    """Brightness-weighted position of a dot near a point, continuous pixels."""
    centers = np.arange(image.shape[0]) + 0.5
    weights = image[..., 0].astype(float)
    weights = weights * (np.abs(centers[:, None] - near[1]) < radius) * (np.abs(centers[None] - near[0]) < radius)
    return np.array([(weights.sum(0) * centers).sum(), (weights.sum(1) * centers).sum()]) / weights.sum()


@pytest.mark.parametrize("size", [32, 64, 128, 300])
@pytest.mark.parametrize(("rotation", "flip"), [(0.0, False), (0.0, True), (37.0, False), (-52.0, True)])
def test_dots_land_where_the_joints_do(size, rotation, flip):
    dots = np.array([[60.3, 70.8], [128.0, 128.0], [171.2, 90.6], [100.7, 180.1]])
    to_crop = crop.frame_to_crop(np.array([120.0, 131.5]), 200.0, size, rotation_deg=rotation, flip=flip)
    image = crop.warp(blob(dots, 256), to_crop, size)
    for target in crop.transform(to_crop, dots):
        found = centroid(image, target, max(4, 12 * size // 200))
        assert np.abs(found - target).max() < 0.08


@given(
    st.floats(-180, 180),
    st.booleans(),
    st.floats(50, 900),
    st.floats(0, 1000),
    st.floats(0, 1000),
    st.integers(16, 256),
)
def test_frame_to_crop_by_its_definition(rotation, flip, side, x, y, size):
    to_crop = crop.frame_to_crop(np.array([x, y]), side, size, rotation_deg=rotation, flip=flip)
    np.testing.assert_allclose(crop.transform(to_crop, np.array([x, y])), [size / 2, size / 2], atol=1e-6)
    right, down = crop.transform(to_crop, np.array([[x + side, y], [x, y + side]])) - size / 2
    angle = np.radians(rotation)
    # Clockwise on the screen: with y down, the x axis turns towards +y.
    np.testing.assert_allclose(right, size * np.array([(-1 if flip else 1) * np.cos(angle), np.sin(angle)]), atol=1e-6)
    np.testing.assert_allclose(down, size * np.array([(1 if flip else -1) * np.sin(angle), np.cos(angle)]), atol=1e-6)


@settings(max_examples=30)
@given(st.floats(-500, 500), st.floats(-500, 500), st.floats(0.2, 4), st.floats(-90, 90))
def test_stored_cut_shows_the_same_place(left, top, step, rotation):
    to_crop = crop.frame_to_crop(np.array([400.0, 380.0]), 300.0, 64, rotation_deg=rotation)
    stored = np.array([[3.0, 7.0], [200.5, 90.25]])
    np.testing.assert_allclose(
        crop.transform(crop.stored_to_crop(to_crop, np.array([left, top]), step), stored),
        crop.transform(to_crop, np.array([left, top]) + stored * step),
        atol=1e-8,
    )


@pytest.mark.parametrize("size", [48, 64, 100])
def test_fine_detail_averages_out(size):
    """Stripes finer than a crop pixel become nearly even; bilinear sampling alone leaves strong false patterns."""
    stripes = np.zeros((256, 256, 3), np.uint8)
    stripes[:, ::2] = 200
    to_crop = crop.frame_to_crop(np.array([128.1, 128.0]), 240.0, size)
    bilinear = cv2.warpAffine(stripes, to_crop, (size, size))
    assert np.ptp(bilinear) >= 80
    # The exact average over n pixels of such stripes is off by at most 100 / n.
    assert np.abs(crop.warp(stripes, to_crop, size).astype(int) - 100).max() <= 100 * size / 240 + 8


def test_outside_is_black():
    to_crop = crop.frame_to_crop(np.array([0.0, 0.0]), 100.0, 50)
    image = crop.warp(np.full((100, 100, 3), 90, np.uint8), to_crop, 50)
    assert (image[:24] == 0).all() and (image[:, :24] == 0).all() and (image[26:, 26:] == 90).all()


def test_reduced_decoding_keeps_the_picture_in_place():
    dots = np.array([[70.0, 90.0], [180.0, 60.0], [120.0, 200.0]])
    jpeg = cv2.imencode(".jpg", blob(dots, 256, sigma=6), [cv2.IMWRITE_JPEG_QUALITY, 95])[1]
    for reduced in (1, 2, 4):
        image = crop.decode(jpeg, reduced)
        assert image.shape == (256 // reduced, 256 // reduced, 3)
        for dot in dots:
            assert np.abs(centroid(image, dot / reduced, 24 // reduced) - dot / reduced).max() < 0.15


def smooth(columns: int, rows: int) -> np.ndarray:
    """A picture of soft patches, RGB, whose finest detail is some ten pixels wide."""
    coarse = np.random.default_rng(columns).normal(120, 30, (rows // 20, columns // 20, 3))
    return np.clip(cv2.resize(coarse, (columns, rows), interpolation=cv2.INTER_CUBIC), 0, 255).round().astype(np.uint8)


def as_jpeg(picture: np.ndarray) -> np.ndarray:
    return cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])[1]


@pytest.mark.parametrize(("columns", "rows"), [(512, 512), (511, 509), (501, 503)])  # odd sides: half of one is rounded
@pytest.mark.parametrize("reduced", [2, 4])
@pytest.mark.parametrize(("rotation", "flip"), [(0.0, False), (31.0, True)])
def test_decoding_smaller_gives_the_same_crop(columns, rows, reduced, rotation, flip):
    jpeg = as_jpeg(smooth(columns, rows))
    size, side = 320 // reduced, 380.0
    assert crop.reduction(side, 1.0, size) == reduced
    # Over the right and bottom edges, where the last pixels of a reduced image stand for fewer than others do.
    to_crop = crop.frame_to_crop(np.array([340.3, 290.8]), side, size, rotation_deg=rotation, flip=flip)
    whole = crop.warp(crop.decode(jpeg), to_crop, size)
    smaller = crop.warp(crop.decode(jpeg, reduced), crop.stored_to_crop(to_crop, np.zeros(2), float(reduced)), size)
    inside = crop.warp(np.full((rows - 16, columns - 16, 3), 255, np.uint8), to_crop, size)[..., 0] == 255
    difference = np.abs(whole.astype(int) - smaller)[inside]
    assert difference.mean() < 1 and difference.max() < 12


@pytest.mark.parametrize("reduced", [2, 4, 8])
def test_decoding_smaller_moves_nothing(reduced):
    """Dots in a picture of odd size land less than 0.02 px of the crop away from where they belong."""
    dots = np.array([[90.3, 110.8], [330.6, 95.2], [210.1, 350.7]])
    image, size = crop.decode(as_jpeg(blob(dots, 461, sigma=14)), reduced), 32
    side = max(1.3 * size * reduced, 130.0)
    for dot in dots:
        to_crop = crop.frame_to_crop(dot + np.array([3.3, -2.1]), side, size)
        target = crop.transform(to_crop, dot)
        picture = crop.warp(image, crop.stored_to_crop(to_crop, np.zeros(2), float(reduced)), size)
        assert np.abs(centroid(picture, target, int(55 * size / side)) - target).max() < 0.02


def test_grey_jpegs_become_colour_ones():
    grey = smooth(101, 99)[..., 0]
    jpeg = cv2.imencode(".jpg", grey)[1]
    for reduced, shape in [(1, (99, 101, 3)), (2, (50, 51, 3)), (4, (25, 26, 3)), (8, (13, 13, 3))]:
        image = crop.decode(jpeg, reduced)
        assert image.shape == shape and (image == image[..., :1]).all()


def test_orientation_tags_count_at_every_size():
    plain = as_jpeg(smooth(160, 80)).tobytes()
    tagged = plain[:2] + EXIF_QUARTER_TURN + plain[2:]
    shapes = [crop.decode(np.frombuffer(tagged, np.uint8), reduced).shape for reduced in (1, 2, 4)]
    assert shapes == [(160, 80, 3), (80, 40, 3), (40, 20, 3)]


@pytest.mark.parametrize("colours", ["4:2:0", "4:4:4", "grey"])
@pytest.mark.parametrize("reduced", [1, 2, 4, 8])
@pytest.mark.parametrize("rows", [3, 96, 250, 333])
def test_rows_left_out_change_no_bit_of_the_others(colours, reduced, rows, capfd):
    picture = np.random.default_rng(0).integers(0, 256, (333, 170, 3), dtype=np.uint8)
    sampling = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444 if colours == "4:4:4" else cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420
    picture = picture[..., 0] if colours == "grey" else picture
    jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling])[1]
    before = jpeg.copy()
    whole, needed = crop.decode(jpeg, reduced), -(-rows // reduced)
    shorter = crop.decode(jpeg, reduced, needed)
    np.testing.assert_array_equal(shorter[:needed], whole[:needed])
    assert len(shorter) == len(whole) if rows > 300 else len(shorter) < len(whole)
    np.testing.assert_array_equal(jpeg, before)
    assert capfd.readouterr().err == ""  # the decoder does not complain of a broken file


@pytest.mark.parametrize("kind", ["progressive", "restarts", "turned", "long header"])
def test_other_jpegs_are_decoded_whole(kind, capfd):
    options = {"progressive": [cv2.IMWRITE_JPEG_PROGRESSIVE, 1], "restarts": [cv2.IMWRITE_JPEG_RST_INTERVAL, 4]}
    jpeg = cv2.imencode(".jpg", smooth(160, 320), options.get(kind, []))[1].tobytes()
    if kind == "turned":
        jpeg = jpeg[:2] + EXIF_QUARTER_TURN + jpeg[2:]
    elif kind == "long header":
        jpeg = jpeg[:2] + b"\xff\xfe\xff\xff" + bytes(0xFFFD) + jpeg[2:]
    jpeg = np.frombuffer(jpeg, np.uint8)
    np.testing.assert_array_equal(crop.decode(jpeg, 2, 30), crop.decode(jpeg, 2))
    assert capfd.readouterr().err == ""


@given(st.lists(st.tuples(st.integers(2, 700), st.integers(0, 255)), min_size=1, max_size=4), st.integers(2, 700))
def test_broken_headers_raise_nothing(changes, length):
    jpeg = as_jpeg(smooth(40, 200)).copy()
    for at, value in changes:
        jpeg[at] = value
    for broken in (jpeg, np.append(jpeg[:length], jpeg[-2:])):
        image = crop.decode(broken, 1, 20)
        assert image is None or image.ndim == 3


@settings(max_examples=40, deadline=None)
@given(st.floats(-180, 180), st.booleans(), st.floats(30, 900), st.floats(-90, 330), st.floats(-90, 290))
def test_rows_read_are_all_that_a_crop_needs(rotation, flip, side, x, y):
    image, size = smooth(240, 200), 32
    to_crop = crop.frame_to_crop(np.array([x, y]), side, size, rotation_deg=rotation, flip=flip)
    rows = crop.rows_read(to_crop, size)
    scrambled = image.copy()
    scrambled[rows if rows is not None else len(image) :] ^= 255
    np.testing.assert_array_equal(crop.warp(scrambled, to_crop, size), crop.warp(image, to_crop, size))


@settings(max_examples=40, deadline=None)
@given(st.floats(-180, 180), st.booleans(), st.floats(40, 75), st.floats(-60, 260), st.floats(-60, 220))
def test_only_the_part_that_is_seen_is_sampled(rotation, flip, side, x, y):
    """The same as OpenCV on the whole picture, whether the box lies inside, over an edge or outside."""
    image, size = smooth(200, 160), 48
    to_crop = crop.frame_to_crop(np.array([x, y]), side, size, rotation_deg=rotation, flip=flip)
    centred = to_crop.copy()
    centred[:, 2] += to_crop[:, :2] @ (0.5, 0.5) - 0.5
    expected = cv2.warpAffine(image, centred, (size, size))
    difference = np.abs(crop.warp(image, to_crop, size).astype(int) - expected)
    # Both round positions to single precision, of numbers of other sizes.
    assert difference.max() <= 2 and difference.mean() < 0.05


def test_colours_keep_their_order():
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[..., 0] = 200  # red, as an RGB picture
    jpeg = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1]
    for reduced in (1, 2, 4, 8):
        assert np.abs(crop.decode(jpeg, reduced).mean((0, 1)) - (200, 0, 0)).max() < 4


def test_reduction_leaves_enough_pixels():
    for side, step, size in [(400.0, 1.5, 64), (900.0, 1.0, 64), (300.0, 1.4, 256), (1e3, 1.0, 16), (50.0, 1.0, 256)]:
        assert crop.reduction(side, step, size) in (1, 2, 4, 8)
        # Not one pixel of the crop is made from less than 0.8 decoded ones; up to 1.6, as in ``warp``.
        spacing = side / step / crop.reduction(side, step, size) / size
        assert spacing <= crop.SPACING or crop.reduction(side, step, size) == 8
        assert crop.reduction(side, step, size) == 1 or spacing > crop.SPACING / 2


def test_broken_jpegs_are_recognised():
    jpeg = cv2.imencode(".jpg", np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))[1]
    assert crop.decode(jpeg) is not None
    headless = np.concatenate([jpeg[:2], np.zeros(200, np.uint8), jpeg[-2:]])
    for broken in (jpeg[: len(jpeg) // 2], jpeg[:0], np.zeros(500, np.uint8), headless):
        assert crop.decode(broken) is None


# The released code's crop


def test_whole_pixel_box_by_hand():
    # 100 - 30.5 = 69.5 -> 69; 100 + 30.5 = 130.5 -> 130; 80 -+ 30.5 -> 49 and 110
    assert released_crop.whole_pixel_box(np.array([100.0, 80.0]), 61.0) == (69, 49, 130, 110)
    # An edge a hair under a whole pixel counts as that pixel.
    assert released_crop.whole_pixel_box(np.array([50.0, 50.0]), 20.0001)[:2] == (40, 40)
    # Left of the image, cutting towards zero moves the edge to the right: -3.7 -> -3.
    assert released_crop.whole_pixel_box(np.array([6.3, 50.0]), 20.0) == (-3, 40, 16, 60)


def test_label_cells_by_hand():
    center, side = np.array([100.0, 100.0]), 64.0  # box from 68 to 132, one cell a pixel
    joints = np.array([[68.0, 68.0], [68.99, 131.5], [99.99995, 100.0], [67.5, 66.5]])
    # The last lies left of and above the grid: -0.5 is cut to 0, -1.5 to -1.
    assert released_crop.label_cells(joints, center, side, 64).tolist() == [[0, 0], [0, 63], [32, 32], [0, -1]]


def test_axis_weights_by_hand():
    # 3 pixels to 2: each takes one and a half.
    np.testing.assert_allclose(released_crop.axis_weights(3, 2), [[2 / 3, 1 / 3, 0], [0, 1 / 3, 2 / 3]], atol=1e-6)
    # 2 pixels to 4: corners aligned, positions 0, 1/3, 2/3, 1.
    np.testing.assert_allclose(
        released_crop.axis_weights(2, 4), [[1, 0], [2 / 3, 1 / 3], [1 / 3, 2 / 3], [0, 1]], atol=1e-6
    )
    np.testing.assert_allclose(released_crop.axis_weights(5, 5), np.eye(5), atol=1e-6)


@pytest.mark.parametrize(("source", "target"), [(411, 256), (256, 64), (101, 100)])
def test_shrinking_is_an_area_average(source, target):
    patch = np.random.default_rng(source).integers(0, 256, (source, source, 3), dtype=np.uint8)
    expected = cv2.resize(patch.astype(np.float32), (target, target), interpolation=cv2.INTER_AREA)
    assert np.abs(released_crop.resample(patch, target) - expected).max() <= 0.51


def test_growing_keeps_corner_pixels():
    patch = np.random.default_rng(1).integers(0, 256, (90, 90, 3), dtype=np.uint8)
    grown = released_crop.resample(patch, 256)
    assert (grown[[0, 0, -1, -1], [0, -1, 0, -1]] == patch[[0, 0, -1, -1], [0, -1, 0, -1]]).all()


@pytest.mark.parametrize("box", [(10, 20, 50, 60), (-7, -3, 33, 37), (80, 70, 120, 110), (-20, 40, 140, 200)])
def test_cut_copies_pixels_and_pads_with_zeros(box):
    image = np.random.default_rng(2).integers(1, 256, (100, 110, 3), dtype=np.uint8)
    wide = np.pad(image, ((200, 200), (200, 200), (0, 0)))
    left, top, right, bottom = box
    patch = released_crop.cut(image, (np.zeros(2), 1.0), box)
    assert (patch == wide[200 + top : 200 + bottom, 200 + left : 200 + right]).all()
    # The same pixels when the stored image is itself a cut of the frame at its own resolution.
    shifted = released_crop.cut(image, (np.array([5.0, -4.0]), 1.0), (left + 5, top - 4, right + 5, bottom - 4))
    assert (shifted == patch).all()


def test_turned_cut_agrees_with_the_affine_crop():
    dots = np.array([[128.0, 80.0], [90.0, 150.0], [170.0, 140.0]])
    image = blob(dots, 256)
    to_crop = crop.frame_to_crop(np.array([128.0, 128.0]), 200.0, 200, rotation_deg=25.0)
    patch = released_crop.cut(image, (np.zeros(2), 1.0), (28, 28, 228, 228), rotation_deg=25.0)
    for target in crop.transform(to_crop, dots):
        assert np.abs(centroid(patch, target, 14) - target).max() < 0.1


def test_resampled_storage_is_brought_back_to_the_frame():
    dots = np.array([[300.0, 260.0], [340.0, 330.0]])
    left_top, step = np.array([250.3, 221.7]), 0.8
    stored = blob((dots - left_top) / step, 256, sigma=4)
    patch = released_crop.cut(stored, (left_top, step), (260, 230, 400, 370))
    for dot in dots - (260, 230):
        assert np.abs(centroid(patch, dot, 12) - dot).max() < 0.1
