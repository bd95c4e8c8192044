"""A KerasTuner hypermodel by its module path: how it is loaded, built and trained."""

import hashlib
import importlib
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tfx_automl.errors import ModelError, TfxAutomlError, one_line
from tfx_automl.search.parameters import Point, Value

_PATH = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*[.:][^\W\d]\w*")


def is_module_path(text: str) -> bool:
    """Tells whether a text has the form `my.module:name` or `my.module.name`."""
    return _PATH.fullmatch(text) is not None


class HyperModel:
    """A `keras_tuner.HyperModel`, or a function `build(hp)` that returns a compiled `keras.Model`.

    Args:
        path: `my.module:name` or `my.module.name`, where the name is of a class (made without arguments), of an
            instance, or of a function.

    Attributes:
        path: The same.
        source: Hash of the text of the module, so that another text is another search.
        overrides_fit: Whether it trains in a way of its own.

    Raises:
        ModelError: The module cannot be imported, or has nothing of the kind.
    """

    def __init__(self, path: str) -> None:
        import keras
        import keras_tuner

        self.path = path
        with self._blamed("importing it"):
            named, self.source = _load(path)
        with self._blamed("making an instance without arguments"):
            made = named() if isinstance(named, type) else named
        if not isinstance(made, keras_tuner.HyperModel) and (isinstance(named, type) or not callable(made)):
            raise ModelError(f"{path}: expected a keras_tuner.HyperModel or a function build(hp), got {made!r}.")
        self._model: Any = made if isinstance(made, keras_tuner.HyperModel) else None
        self._build: Callable[[Any], Any] = made.build if self._model else made
        self.overrides_fit = bool(self._model) and type(made).fit is not keras_tuner.HyperModel.fit
        # `clear_session` would reset what the module has set when it was imported.
        self._policy = keras.config.dtype_policy()

    def declare(self, hyperparameters: Any) -> None:
        """Lets the hypermodel declare hyperparameters before it builds."""
        if self._model:
            with self._blamed("declare_hyperparameters"):
                self._model.declare_hyperparameters(hyperparameters)

    def build(self, hyperparameters: Any) -> Any:
        """Builds an untrained model as the first one in this process would be.

        Names that Keras gives by itself count from the start again, so that a metric is called the same in every
        trial, and what Keras remembers of earlier models is let go.

        Args:
            hyperparameters: A `keras_tuner.HyperParameters`.

        Returns:
            The `keras.Model`.

        Raises:
            ModelError: It cannot be built, or what was built is no model.
        """
        import keras

        keras.backend.clear_session(free_memory=False)  # to collect garbage takes longer than to build
        keras.config.set_dtype_policy(self._policy)
        with self._blamed("building it", hyperparameters):
            model = self._build(hyperparameters)
        if not isinstance(model, keras.Model):
            raise ModelError(f"{self.path}: expected a keras.Model from the build function, got {model!r}.")
        if not model.compiled and not self.overrides_fit:
            raise ModelError(f"{self.path}: the model that it builds is not compiled; call model.compile in there.")
        return model

    def fit(self, hyperparameters: Any, model: Any, x: Any, y: Any, **arguments: Any) -> Any:
        """Trains as the hypermodel says; returns what that returns."""
        with self._blamed(
            "fit (called with hp, model, x, y and validation_data, epochs, initial_epoch, verbose=0, callbacks=[])"
        ):
            if self._model:
                return self._model.fit(hyperparameters, model, x, y, **arguments)
            return model.fit(x, y, **arguments)

    @contextmanager
    def _blamed(self, what: str, hyperparameters: Any = None) -> Iterator[None]:
        """Says whose code failed, and with which values."""
        try:
            yield
        except TfxAutomlError:
            raise
        except Exception as error:
            values = "" if hyperparameters is None else f" with {hyperparameters.values}"
            why = f"{type(error).__name__}: {one_line(error)}"
            raise ModelError(f"{self.path}: {what}{values} failed: {why}.") from error


def _load(path: str) -> tuple[Any, str]:
    """Returns what a path names, and the hash of its module's text."""
    if not is_module_path(path):
        raise ModelError(f"expected my.module:name or my.module.name, got {path!r}.")
    name = re.split("[.:]", path)[-1]
    module = importlib.import_module(path[: -len(name) - 1])
    if not hasattr(module, name):
        raise ModelError(f"{path}: the module {module.__name__} has no {name!r}; it lies in {module.__file__}.")
    return getattr(module, name), hashlib.sha256(inspect.getsource(module).encode()).hexdigest()


def hyperparameters_of(point: Mapping[str, Value]) -> Any:
    """Returns a `keras_tuner.HyperParameters` with the values of a trial; what is built from it registers the rest."""
    import keras_tuner

    hyperparameters = keras_tuner.HyperParameters()
    hyperparameters.values = dict(point)
    return hyperparameters


def refuse_unknown(path: str, hyperparameters: Any, point: Point) -> None:
    """Refuses a hyperparameter that the space does not have.

    Raises:
        ModelError: The hypermodel asked for one that no earlier build had asked for.
    """
    new = sorted(set(hyperparameters.values) - set(point))
    if new:
        raise ModelError(
            f"{path}: the hyperparameters {', '.join(new)} first appeared in this trial, after the space was fixed;"
            " declare them in declare_hyperparameters, or ask for them within hp.conditional_scope."
        )
