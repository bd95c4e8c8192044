"""Requests to the SDK's process, and what they come to."""

import contextlib
import json
import selectors
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

from tfx_automl.errors import TfxAutomlError
from tfx_automl.kubeflow.client.server import Server

# A file, not its folder, which Python would put where modules are searched.
_SDK = Path(__file__).parent / "sdk" / "__main__.py"
_LONGEST = 120.0  # seconds for one answer
_LONGEST_LOAD = 600.0  # seconds for the SDK to load, on a machine with much else to do


class ServerError(TfxAutomlError):
    """A server did not do what it was asked.

    Attributes:
        kind: As in `sdk.failures.FailureError`.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Session:
    """A process with an SDK in it, for as long as this is entered.

    The process is in a group of its own, so that Ctrl-C reaches this one only; it ends when its input does. It gets the
    environment, and with it the token, but nothing secret on its command line.

    Args:
        server: Whom it talks to.
        python: The Python that has the SDK.
        longest: Seconds that an answer may take.
    """

    def __init__(self, server: Server, python: str, longest: float = _LONGEST) -> None:
        self.server = server
        self._python = python
        self._longest = longest

    def __enter__(self) -> "Session":
        self._messages = tempfile.TemporaryFile()
        try:
            self._process = subprocess.Popen(
                [self._python, "-I", str(_SDK)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._messages,
                start_new_session=True,
            )
        except OSError as error:
            self._messages.close()
            raise self._failed("sdk", f"{self._python} cannot be run: {error.strerror}") from error
        try:
            arguments = self.server.arguments()
            self._call(_LONGEST_LOAD, "load", target=arguments.pop("target"))
            self.call("connect", **arguments)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def call(self, name: str, /, **arguments: Any) -> Any:
        """Returns the result of a call.

        Raises:
            ServerError: It failed; the message says what to do.
        """
        return self._call(self._longest, name, **arguments)

    def _call(self, longest: float, name: str, /, **arguments: Any) -> Any:
        pipe_in, pipe_out = self._process.stdin, self._process.stdout
        line = b""
        if pipe_in and pipe_out:
            try:
                pipe_in.write(json.dumps({"call": name, "arguments": arguments}).encode() + b"\n")
                pipe_in.flush()
            except BrokenPipeError:
                raise self._ended() from None
            self._wait(pipe_out, longest)
            line = pipe_out.readline()
        if not line:
            raise self._ended()
        answer = json.loads(line)
        if "failure" in answer:
            raise self._failed(answer["failure"], " ".join(str(answer["message"]).split()).rstrip("."))
        return answer["result"]

    def _wait(self, pipe: Any, longest: float) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, selectors.EVENT_READ)
            if not selector.select(longest):
                self._process.kill()
                raise self._failed("unreachable", f"no answer within {longest:.0f} seconds")

    def _failed(self, kind: str, message: str) -> ServerError:
        where = self.server.host or ("Vertex" if self.server.target == "vertex" else "Kubeflow Pipelines")
        return ServerError(kind, self.server.without_secrets(_SENTENCES[kind].format(where=where, message=message)))

    def _ended(self) -> ServerError:
        self._process.wait()
        self._messages.seek(0)
        lines = self._messages.read().decode("utf-8", "replace").strip().splitlines()
        return self._failed("sdk", f"its process ended: {lines[-1] if lines else 'it said nothing'}")

    def _end(self) -> None:
        if self._process.stdin:
            with contextlib.suppress(BrokenPipeError):  # it has ended already, and left a request unread
                self._process.stdin.close()
        try:
            self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:  # it waits for an answer that nobody wants any more
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
        self._messages.close()


_LOG_IN = "give a token in a variable of the environment, by --token-env NAME"
_SENTENCES = {
    "unauthorized": f"{{where}} wants to know who you are: {{message}}. Log in, or {_LOG_IN}.",
    "forbidden": "{where} does not let you do this: {message}. Ask for the rights, or check --namespace and the token.",
    "missing": "{where} does not have this: {message}. `tfx-automl runs` lists what there is.",
    "refused": "{where} refuses this: {message}.",
    "unreachable": "{where} does not answer: {message}. Check the URL, the network and a port-forward.",
    "foreign": f"{{where}}: {{message}}. Check the URL; if a login is in front of it, {_LOG_IN}.",
    "sdk": "The SDK cannot do this: {message}. Check --kfp-python.",
}
