"""The worker process of a stock search: its tuner is the user's, but asks the oracle of the parent.

Standard output carries the messages, so it is moved to a private descriptor before anything that might print.
"""

import gc
import os
import pickle
import queue
import threading
import traceback
from functools import partial
from pathlib import Path
from typing import Any

from tfx_automl.components.tuner.stock.messages import REMOTE_METHODS, Answer, Broken, Call, Done, Epoch, Hello


class Channel:
    """The pipes to the parent. When they end, so does this process: nobody is left who needs its trial."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)
        # Processes that the user's code forks must not keep the pipe open when this one dies: its end tells the parent.
        os.register_at_fork(after_in_child=partial(os.close, self._out.fileno()))
        self._in = os.fdopen(os.dup(0), "rb")
        self._lock = threading.Lock()
        self._answers: queue.Queue[Any] = queue.Queue()
        # A thread of its own, so that the end of the parent is noticed in the middle of an epoch, too: a worker that
        # went on would write its checkpoints among those of the run that continues the search.
        threading.Thread(target=self._read, daemon=True).start()

    def receive(self) -> Any:
        """Returns the next message of the parent."""
        return self._answers.get()

    def send(self, message: Call | Epoch | Done | Broken) -> None:
        """Sends a message to the parent."""
        try:
            with self._lock:
                self._out.write(pickle.dumps(message))
                self._out.flush()
        except BrokenPipeError:
            os._exit(1)

    def call(self, method: str, *arguments: Any, **keywords: Any) -> Any:
        """Calls a method of the parent's oracle, and returns or raises what that does."""
        import keras

        self.send(Call(method, arguments, keywords))
        answer: Answer = self.receive()
        if answer.error is not None:
            raise answer.error
        if answer.seed is not None:
            # Whichever worker runs a trial, and after whichever other trials: it starts from the same weights.
            keras.utils.set_random_seed(answer.seed)
        return answer.value

    def _read(self) -> None:
        while True:
            try:
                self._answers.put(pickle.load(self._in))
            except (EOFError, pickle.UnpicklingError):
                os._exit(1)


def main() -> None:
    """Runs trials until the oracle says that there are no more."""
    channel = Channel()
    try:
        _search(channel, channel.receive())
    except Exception:
        channel.send(Broken(traceback.format_exc()))
    else:
        channel.send(Done())


def _search(channel: Channel, hello: Hello) -> None:
    from tfx.utils import json_utils

    from tfx_automl.components.tuner.stock.user_code import UserCode

    code = UserCode(json_utils.loads(hello.inputs), dict(hello.properties))
    result = code.call(Path(hello.working_dir), joining=True)
    _ask_the_parent(result.tuner, channel)
    _tell_epochs(result.tuner, channel)
    # KerasTuner collects garbage twice before every trial. To look through all that the libraries have made takes a
    # second, and nothing of that is garbage.
    gc.freeze()
    result.tuner.search(**result.fit_kwargs)


def _ask_the_parent(tuner: Any, channel: Channel) -> None:
    """Sends the calls of the tuner's own oracle to the parent; it stays an oracle of its class all the same."""
    for method in REMOTE_METHODS:
        setattr(tuner.oracle, method, partial(channel.call, method))
    tuner.oracle.save = lambda: None  # the parent saves


def _tell_epochs(tuner: Any, channel: Channel) -> None:
    original = getattr(tuner, "on_epoch_end", None)
    if original is None:  # a tuner of models that are not Keras's
        return

    def on_epoch_end(trial: Any, model: Any, epoch: int, logs: Any = None) -> Any:
        channel.send(Epoch(epoch + 1, {name: float(value) for name, value in (logs or {}).items()}))
        return original(trial, model, epoch, logs=logs)

    tuner.on_epoch_end = on_epoch_end


if __name__ == "__main__":
    main()
