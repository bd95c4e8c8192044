"""Which model a new one is compared with."""

from typing import Any

from tfx.dsl.input_resolution.strategies.latest_blessed_model_strategy import LatestBlessedModelStrategy
from tfx.types import standard_artifacts


class EarlierBlessedModelStrategy(LatestBlessedModelStrategy):
    """Resolves the latest blessed model but for the newest one, which is the one to be evaluated.

    For a `Resolver` that runs after the Trainer. With TFX's own strategy an unchanged pipeline that runs again would
    compare its model with itself, and so evaluate it anew instead of taking the result from the cache.
    """

    def resolve_artifacts(self, store: Any, input_dict: dict[str, list[Any]]) -> dict[str, list[Any]] | None:
        """Returns the model and its blessing; both empty if there is none.

        Args:
            store: ML Metadata.
            input_dict: All models and all blessings.
        """
        earlier = {key: _without_newest_model(artifacts) for key, artifacts in input_dict.items()}
        found: dict[str, list[Any]] | None = super().resolve_artifacts(store, earlier)
        return found


def _without_newest_model(artifacts: list[Any]) -> list[Any]:
    if not artifacts or not isinstance(artifacts[0], standard_artifacts.Model):
        return artifacts
    return sorted(artifacts, key=lambda artifact: artifact.id)[:-1]
