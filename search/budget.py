"""How much a search may use."""

from dataclasses import dataclass

from tfx_automl.errors import require


@dataclass(frozen=True)
class Budget:
    """Limits of a search, over all its runs if it was interrupted or continued; None is no limit.

    Attributes:
        trials: The most trials that come to a result or run; failed ones are replaced and do not count.
        epochs: The most epochs of all trials together.
        seconds: The longest wall time; every running job ends with the epoch that it is in.
        disk_bytes: The most bytes of checkpoints. The worst idle trials lose theirs first; should one of them be sent
            on all the same, it is trained again from its beginning.

    Raises:
        ConfigError: A limit is not above 0.
    """

    trials: int | None = None
    epochs: int | None = None
    seconds: float | None = None
    disk_bytes: int | None = None

    def __post_init__(self) -> None:
        limits = vars(self).items()
        require(
            *((value is None or value > 0, f"budget: {name} must be above 0, got {value}.") for name, value in limits)
        )
