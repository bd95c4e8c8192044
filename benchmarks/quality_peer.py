"""The other side of the quality benchmark: FLAML, a tuned random forest, and a linear model, on two Parquet files.

    python benchmarks/quality_peer.py --train A --test B --label L --kind binary --seconds 120 --seed 0 --result R

Runs in an environment of its own (requirements/flaml.txt), without TensorFlow, and imports nothing of this project.
"""

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

Fitted = tuple[Callable[[pd.DataFrame], Any], dict[str, Any]]

_FOREST_DRAWS = 10
_FOREST_ROWS = 20_000  # the forest's hyperparameters are searched on so many rows at most
_FLAML_METRIC = {"binary": "roc_auc", "multiclass": "roc_auc_ovr", "regression": "r2"}


def main() -> None:
    """Fits all three, and writes their test metric and seconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("train", "test", "label", "kind", "result"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parsed = parser.parse_args()
    train, test = (pd.read_parquet(path) for path in (parsed.train, parsed.test))
    train_label, test_label = train.pop(parsed.label), test.pop(parsed.label)
    found = {}
    for name, fit in (("flaml", _flaml), ("random_forest", _forest), ("linear", _linear)):
        started = time.monotonic()
        predict, note = fit(train, train_label, parsed)
        seconds = time.monotonic() - started
        score = measure(parsed.kind, test_label, predict(test))
        found[name] = {"score": score, "seconds": round(seconds, 1), **note}
    with open(parsed.result, "w", encoding="utf-8") as file:
        json.dump(found, file)


def measure(kind: str, label: Any, prediction: Any) -> float:
    """Returns R², or the area under the ROC curve: of one class against the rest, and the mean of these."""
    from sklearn.metrics import r2_score, roc_auc_score

    if kind == "regression":
        return float(r2_score(label, prediction))
    classes = np.unique(label)
    if kind == "binary":
        return float(roc_auc_score(label == classes[1], prediction[:, 1]))
    return float(np.mean([roc_auc_score(label == name, prediction[:, n]) for n, name in enumerate(classes)]))


def _flaml(train: pd.DataFrame, label: Any, parsed: argparse.Namespace) -> Fitted:
    from flaml import AutoML  # type: ignore[import-not-found]  # is in an environment of its own

    automl = AutoML()
    task = "regression" if parsed.kind == "regression" else "classification"
    automl.fit(
        _categorical(train),
        label,
        task=task,
        metric=_FLAML_METRIC[parsed.kind],
        time_budget=parsed.seconds,
        seed=parsed.seed,
        verbose=0,
    )
    return _predictor(automl, parsed.kind, _categorical), {"best": automl.best_estimator}


def _forest(train: pd.DataFrame, label: Any, parsed: argparse.Namespace) -> Fitted:
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
    from sklearn.model_selection import RandomizedSearchCV

    forest = RandomForestRegressor if parsed.kind == "regression" else RandomForestClassifier
    space = {"max_features": [0.2, 0.33, 0.5, 0.8, "sqrt"], "min_samples_leaf": [1, 2, 4, 8, 16]}
    rows = np.random.default_rng(parsed.seed).permutation(len(train))[:_FOREST_ROWS]
    base = forest(n_estimators=100, random_state=parsed.seed, n_jobs=-1)
    search = RandomizedSearchCV(
        base, space, n_iter=_FOREST_DRAWS, cv=3, scoring=_FLAML_METRIC[parsed.kind], random_state=parsed.seed
    )
    prepare = _prepare(train, scaled=False)
    search.fit(prepare.transform(train.iloc[rows]), label.iloc[rows])
    model = forest(**search.best_params_, n_estimators=300, random_state=parsed.seed, n_jobs=-1)
    model.fit(prepare.transform(train), label)
    return _predictor(model, parsed.kind, prepare.transform), {"best": search.best_params_}


def _linear(train: pd.DataFrame, label: Any, parsed: argparse.Namespace) -> Fitted:
    from sklearn.linear_model import LogisticRegression, RidgeCV

    prepare = _prepare(train, scaled=True)
    model = RidgeCV(np.logspace(-3, 3, 13)) if parsed.kind == "regression" else LogisticRegression(max_iter=500)
    model.fit(prepare.transform(train), label)
    return _predictor(model, parsed.kind, prepare.transform), {}


def _predictor(model: Any, kind: str, prepare: Callable[[pd.DataFrame], Any]) -> Callable[[pd.DataFrame], Any]:
    predict = model.predict if kind == "regression" else model.predict_proba
    return lambda rows: predict(prepare(rows))


def _categorical(rows: pd.DataFrame) -> pd.DataFrame:
    """Texts as categories."""
    return rows.astype({name: "category" for name in rows.columns if rows[name].dtype == object})


def _prepare(train: pd.DataFrame, scaled: bool) -> Any:
    """One column for each frequent category; missing numbers are filled in with the median, and told by a column."""
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    texts = [name for name in train.columns if train[name].dtype == object]
    numbers = [name for name in train.columns if name not in texts]
    impute = SimpleImputer(strategy="median", add_indicator=True)
    return make_column_transformer(
        (make_pipeline(impute, StandardScaler()) if scaled else impute, numbers),
        (OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=50), texts),
        sparse_threshold=0,
    ).fit(train)


if __name__ == "__main__":
    main()
