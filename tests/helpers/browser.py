"""A headless Chromium for tests of pages, driven through its own debugging pipe: no driver, no port, no library.

``find()`` gives the program's path or None; tests that need one skip, and say so.
"""

import base64
import fcntl
import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome", "headless_shell")
PATIENCE_S = 60.0


def find() -> str | None:
    """The browser's path: ``$CHROMIUM``, or the first of ``NAMES`` that is installed."""
    return os.environ.get("CHROMIUM") or next((path for name in NAMES if (path := shutil.which(name))), None)


class Page:
    """One page in the browser: what it complains of and asks the network for is kept."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._to, self._from = to_browser, from_browser
        self._buffer, self._count, self._session = b"", 0, None
        self.complaints: list[str] = []
        self.requests: list[str] = []
        target = self._send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Runtime", "Log", "Network", "Page"):
            self._send(f"{domain}.enable")

    def open(self, path: Path, width: int = 1300, height: int = 900, dark: bool = False) -> None:
        """Load a file at a window's size and wait until it is there; earlier complaints and requests are forgotten."""
        self._send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._send("Emulation.setEmulatedMedia", features=[scheme])
        self._loaded = False
        self.complaints.clear()
        self.requests.clear()
        self._send("Page.navigate", url=path.resolve().as_uri())
        self._wait(lambda: self._loaded)

    def run(self, script: str) -> Any:
        """The value of an expression; promises are waited for."""
        said = self._send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in said:
            raise AssertionError(said["exceptionDetails"]["exception"].get("description", said))
        return said["result"].get("value")

    def settle(self) -> None:
        """Wait until the page has been painted twice."""
        self.run(
            "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 50))))"
        )

    def press(self, key: str) -> None:
        """A key of the keyboard, by its name."""
        for kind in ("keyDown", "keyUp"):
            self._send("Input.dispatchKeyEvent", type=kind, key=key, text=key if len(key) == 1 else "")

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """The mouse, pressed, from one place to another."""
        self._mouse("mousePressed", *start)
        for share in (0.5, 1.0):
            self._mouse("mouseMoved", *(a + share * (b - a) for a, b in zip(start, end, strict=True)))
        self._mouse("mouseReleased", *end)

    def move(self, x: float, y: float) -> None:
        """The mouse to a place."""
        self._send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def picture(self, path: Path, whole: bool = True) -> Path:
        """A screenshot as PNG."""
        self.settle()
        shot = self._send("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))
        return path

    def _mouse(self, kind: str, x: float, y: float) -> None:
        self._send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1)

    def _send(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._count += 1
        number = self._count
        message = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        answer: dict[str, Any] = {}
        self._wait(lambda: bool(answer), number, answer)
        if "error" in answer:
            raise AssertionError(f"{method}: {answer['error']}")
        return answer["result"]

    def _wait(self, done: Any, number: int | None = None, answer: dict[str, Any] | None = None) -> None:
        end = time.monotonic() + PATIENCE_S
        while not done():
            while b"\0" not in self._buffer:
                if time.monotonic() > end:
                    raise AssertionError("the browser does not answer")
                part = os.read(self._from, 1 << 20)
                if not part:
                    raise AssertionError("the browser has ended")
                self._buffer += part
            line, self._buffer = self._buffer.split(b"\0", 1)
            message = json.loads(line)
            if number is not None and message.get("id") == number:
                answer.update(message)
            self._note(message)

    def _note(self, message: dict[str, Any]) -> None:
        event, said = message.get("method"), message.get("params", {})
        if event == "Page.loadEventFired":
            self._loaded = True
        elif event == "Network.requestWillBeSent" and not said["request"]["url"].startswith("data:"):
            self.requests.append(said["request"]["url"])
        elif event == "Runtime.exceptionThrown":
            details = said["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description") or details["text"])
        elif event == "Runtime.consoleAPICalled" and said["type"] in ("error", "warning", "assert"):
            self.complaints.append(" ".join(str(part.get("value", part)) for part in said["args"]))
        elif event == "Log.entryAdded" and said["entry"]["level"] in ("error", "warning"):
            self.complaints.append(said["entry"]["text"])


@contextmanager
def page(folder: Path) -> Iterator[Page]:
    """An empty page in a browser of its own, whose files lie in ``folder``; the browser ends with the block."""
    read, to_browser = os.pipe()
    from_browser, write = os.pipe()
    options = "--headless=new --remote-debugging-pipe --no-sandbox --no-first-run --disable-gpu --hide-scrollbars"
    options += " --disable-dev-shm-usage --disable-component-update --disable-extensions"
    command = [find(), *options.split(), f"--user-data-dir={folder / 'browser'}"]
    # it reads from descriptor 3 and writes to 4
    high = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, 10) for descriptor in (read, write)]
    actions = [(os.POSIX_SPAWN_DUP2, high[0], 3), (os.POSIX_SPAWN_DUP2, high[1], 4)]
    actions += [(os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_RDWR, 0) for stream in (0, 1, 2)]
    process = os.posix_spawn(command[0], command, os.environ, file_actions=actions, setpgroup=0)
    for descriptor in (read, write, *high):
        os.close(descriptor)
    try:
        yield Page(to_browser, from_browser)
    finally:
        os.killpg(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(to_browser)
        os.close(from_browser)
