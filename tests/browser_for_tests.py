"""Headless Chromium, driven through two pipes with its DevTools protocol: no port, no driver, no library."""

import base64
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
KEYS = {"ArrowRight": 39, "ArrowLeft": 37, "Home": 36, "End": 35, "Tab": 9, "Enter": 13}
_OPTIONS = (
    "--headless=new",
    "--no-sandbox",  # tests may run as root
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--remote-debugging-pipe",
)
_PATIENCE = 180.0  # seconds that a busy machine may take for one answer


def find_browser() -> str | None:
    """Returns the path of a browser, None if there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """One page in a browser."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands, self._answers = commands, answers
        self._buffer = b""
        self._number = 0
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Sends a command and returns its result."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while (answer := self._read()).get("id") != self._number:
            self.events.append(answer)
        assert "error" not in answer, f"{method}: {answer}"
        return answer["result"]

    def _read(self) -> dict[str, Any]:
        deadline = time.monotonic() + _PATIENCE
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._answers], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"the browser gave no answer in {_PATIENCE:g} s"
            part = os.read(self._answers, 1 << 16)
            assert part, "the browser ended"
            self._buffer += part
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)

    def open(self, path: Path) -> None:
        """Opens a file and waits until it is loaded."""
        self.open_address(path.as_uri())

    def open_address(self, address: str) -> None:
        """Opens a page and waits until it is loaded."""
        self.events.clear()
        self.call("Page.navigate", url=address)
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._read())

    def evaluate(self, expression: str) -> Any:
        """Returns the value of a JavaScript expression."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def in_frames(self, expression: str) -> list[Any]:
        """Returns the value of an expression in each frame; sandboxed ones have processes of their own."""
        self.events.clear()
        self.call("Target.setAutoAttach", autoAttach=True, waitForDebuggerOnStart=False, flatten=True)
        attached = [event["params"] for event in self.events if event.get("method") == "Target.attachedToTarget"]
        page, values = self._session, []
        for target in attached:
            if target["targetInfo"]["type"] == "iframe":
                self._session = target["sessionId"]
                values.append(self.evaluate(expression))
        self._session = page
        self.call("Target.setAutoAttach", autoAttach=False, waitForDebuggerOnStart=False, flatten=True)
        return values

    def press(self, key: str) -> None:
        """Presses a key, as a person would."""
        parameters = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS[key]}
        text = {"text": "\r"} if key == "Enter" else {}
        self.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **parameters, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **parameters)

    def resize(self, width: int, height: int = 900) -> None:
        """Makes the window so large."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )

    def print_page(self) -> bytes:
        """Returns the page as PDF."""
        return base64.b64decode(
            self.call("Page.printToPDF", preferCSSPageSize=True, paperWidth=8.27, paperHeight=11.7)["data"]
        )

    def requested(self) -> list[str]:
        """Returns what was loaded since the page was opened."""
        return [
            event["params"]["request"]["url"]
            for event in self.events
            if event.get("method") == "Network.requestWillBeSent"
        ]

    def complaints(self) -> list[str]:
        """Returns the errors and warnings since the page was opened."""
        return [
            str(event["params"])
            for event in self.events
            if event.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded")
        ]


@contextmanager
def open_browser(folder: Path) -> Iterator[Browser]:
    """Starts a browser that keeps its files in a folder, and ends it.

    `find_browser` must have found one.
    """
    (child_in, commands), (answers, child_out) = os.pipe(), os.pipe()
    # The browser reads from descriptor 3 and writes to 4. A shell moves them there; first out of each other's way.
    script = f'exec 8<&{child_in} 9>&{child_out}; exec 3<&8 4>&9; exec "$@"'
    command = ["bash", "-c", script, "bash", find_browser() or "", *_OPTIONS, f"--user-data-dir={folder}"]
    with open(folder / "browser.log", "w", encoding="utf-8") as log:
        process = subprocess.Popen(command, pass_fds=(child_in, child_out), stdout=log, stderr=log)
        os.close(child_in)
        os.close(child_out)
        try:
            yield Browser(commands, answers)
        finally:
            os.close(commands)  # the browser ends when nobody can command it any more
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            os.close(answers)
