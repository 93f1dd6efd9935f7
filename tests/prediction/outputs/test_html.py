"""The page holds all it shows; in a browser it draws, turns and answers, complains of nothing and fetches nothing."""

import base64
import dataclasses
import json
import re
import zlib

import browser
import numpy as np
import pytest

from c2fpose.prediction.outputs import html
from c2fpose.prediction.result import Frame, PoseResult

needs_browser = pytest.mark.skipif(not browser.find(), reason="no Chromium here (apt-get install chromium)")


def content(text: str) -> dict:
    return json.loads(re.search(r'<script id="data" type="application/json">(.*?)</script>', text, re.DOTALL)[1])


def with_volumes(result: PoseResult) -> PoseResult:
    """Blobs that are one bin deep, then two, then eight."""
    random = np.random.default_rng(0)
    people = []
    for person in result.frames[0].people:
        volumes = tuple(random.uniform(-0.1, 1, (17, depth, 6, 6)) ** 4 for depth in (1, 2, 8))
        people.append(dataclasses.replace(person, volumes=volumes))
    return dataclasses.replace(result, frames=(Frame(tuple(people)),))


def test_the_page_has_the_frames_and_the_pictures_nearest_to_them(video, pictures, monkeypatch):
    monkeypatch.setattr(html, "MOST_PICTURES", 3)
    said = content(html.page(video, pictures))
    assert said["ids"] == [0, 3] and len(said["frames"]) == 11
    assert len(said["pictures"]) == 3 and all(uri.startswith("data:image/jpeg;base64,") for uri in said["pictures"])
    assert [frame["picture"] for frame in said["frames"]] == [0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2]
    person = said["frames"][3]["people"][1]
    true = video.frames[3].people[1]
    np.testing.assert_allclose(person["mm"], true.joints_cam_mm.reshape(-1), atol=0.5)
    np.testing.assert_allclose(np.reshape(person["cov"], (17, 6))[:, 2], true.covariance_mm2[:, 0, 2], atol=0.5)
    assert person["second"][:3] == [None] * 3


def found(result: PoseResult, score: float) -> PoseResult:
    """The people of a picture as a finder found them."""
    people = tuple(dataclasses.replace(each, box_from="found", box_score=score) for each in result.frames[0].people)
    return dataclasses.replace(result, frames=(Frame(people),))


def test_a_found_person_has_the_chance_that_it_is_one(image):
    first, second = content(html.page(found(image, 0.314), None))["frames"][0]["people"]
    assert "chance" not in first and second["chance"] == 0.314  # the first has no confidence: the finder's own score
    assert all("chance" not in each for each in content(html.page(image, None))["frames"][0]["people"])


def test_long_videos_are_thinned_out_and_the_page_says_so(video, pictures, monkeypatch):
    monkeypatch.setattr(html, "MOST_FRAMES", 4)
    text = html.page(video, pictures)
    assert [frame["index"] for frame in content(text)["frames"]] == [0, 3, 7, 10]
    assert "7 of 11 frames" in text


def test_volumes_are_bytes_of_the_peak(image):
    seen = with_volumes(image)
    entry = content(html.page(seen, None))["volumes"][1]
    true = seen.frames[0].people[1].volumes[2]
    values = np.frombuffer(zlib.decompress(base64.b64decode(entry["stacks"][2]["bytes"])), np.uint8)
    expected = np.clip(true, 0, None) / true.max((1, 2, 3), keepdims=True)
    np.testing.assert_allclose(values.reshape(true.shape) / 255, expected, atol=0.5 / 255)


def test_names_of_files_are_no_markup(image):
    source = dataclasses.replace(image.source, file="a/</script><b>&.jpg")
    text = html.page(dataclasses.replace(image, source=source, notes=("<i>",)), None)
    assert "&lt;/script&gt;&lt;b&gt;&amp;.jpg".replace("&lt;/script", "script") in text or "&lt;b&gt;&amp;.jpg" in text
    assert "<b>" not in text and "<i>" not in text.replace('<i class="', "")
    assert content(text)["ids"] == [0, 3]


def test_nothing_is_named_that_could_be_fetched(video, pictures):
    text = html.page(video, pictures)
    assert not re.search(r"""(?:src|href)\s*=\s*["']?(?!data:)[^"'\s]*/|https?://|@import|url\(""", text)
    assert "default-src 'none'" in text


DRAWN = """(id) => {
  const canvas = document.getElementById(id);
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  const bytes = copy.getImageData(0, 0, canvas.width, canvas.height).data;
  const colors = new Set();
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 4) {
    if (bytes[i + 3]) colors.add((bytes[i] << 16) | (bytes[i + 1] << 8) | bytes[i + 2]);
    sum = (sum * 31 + bytes[i] + bytes[i + 1] + bytes[i + 3]) % 1000003;
  }
  return [colors.size, sum];
}"""


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    with browser.page(tmp_path_factory.mktemp("chromium")) as page:
        yield page


@pytest.mark.slow
@needs_browser
def test_a_picture_in_a_browser(opened, image, pictures, tmp_path):
    (path,) = html.write(with_volumes(found(image, 0.314)), pictures[3:4], tmp_path / "page.html")
    for width in (700, 1300):
        opened.open(path, width)
        opened.settle()
        assert opened.run("document.scrollingElement.scrollWidth") == width  # nothing sticks out
        for canvas in ("picture", "space", "surface", "front", "above", "slice"):
            colors, _ = opened.run(f"({DRAWN})('{canvas}')")
            assert colors > 8, canvas

    def drawn(canvas: str) -> int:
        opened.settle()
        return opened.run(f"({DRAWN})('{canvas}')")[1]

    buttons = "[...document.querySelectorAll('#people button')].map((button) => button.textContent)"
    assert opened.run(buttons) == ["person 0", "person 3 (31 % a person)"]
    seen = [drawn("space")]
    opened.drag((900, 300), (1000, 320))
    seen.append(drawn("space"))
    opened.run("document.getElementById('space').focus()")
    for key in ("ArrowLeft", "-", "Home"):
        opened.press(key)
        seen.append(drawn("space"))
    for control in ("#ellipsoids", "#faint", "#second", "#cameras", "#people button"):
        opened.run(f"document.querySelector('{control}').click()")
        seen.append(drawn("space"))
    assert len(set(seen)) == len(seen)  # each of these changes what is seen
    stacks = []
    for number in range(3):
        opened.run(f"document.querySelectorAll('#stacks button')[{number}].click()")
        stacks.append((drawn("surface"), drawn("above")))
    assert len(set(stacks)) == 3
    assert opened.run("document.querySelectorAll('#numbers tbody tr').length") == 17  # one of two people is hidden
    assert opened.complaints == [] and opened.requests == [path.resolve().as_uri()]


@pytest.mark.slow
@needs_browser
def test_a_video_in_a_browser(opened, video, pictures, tmp_path):
    (path,) = html.write(video, pictures, tmp_path / "page.html")
    opened.open(path, dark=True)
    opened.settle()
    first = opened.run(f"({DRAWN})('picture')")
    opened.run(
        "{ const time = document.getElementById('time'); time.value = 7; time.dispatchEvent(new Event('input')) }"
    )
    opened.settle()
    assert opened.run("document.getElementById('clock').textContent") == "0.70 s, frame 7"
    assert opened.run(f"({DRAWN})('picture')") != first
    place = opened.run(
        "(() => { show(3); const r = document.getElementById('space').getBoundingClientRect();"
        " const p = space.place(joint(people()[1], 3)); return [r.left + p[0], r.top + p[1]] })()"
    )
    opened.move(*place)
    opened.settle()
    x, y, z = np.round(video.frames[3].people[1].joints_cam_mm[3]).astype(int)
    said = opened.run("document.getElementById('tip').textContent")
    assert said.startswith(f"person 3, left ankle\nx {x}, y {y}, z {z} mm")
    opened.run("document.getElementById('play').click()")
    opened.run("new Promise((done) => { const wait = () => state.playing ? setTimeout(wait, 20) : done(); wait() })")
    assert opened.run("state.frame") == 10
    assert opened.complaints == [] and opened.requests == [path.resolve().as_uri()]


@pytest.mark.slow
@needs_browser
def test_nobody_in_a_browser(opened, nobody, pictures, tmp_path):
    (path,) = html.write(nobody, pictures[:1], tmp_path / "page.html")
    opened.open(path)
    opened.settle()
    assert opened.run(f"({DRAWN})('picture')")[0] > 8
    assert opened.complaints == []
