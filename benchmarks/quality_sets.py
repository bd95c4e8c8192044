"""The data sets of the quality benchmark: for each a train and a test file, the same for everybody."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tfx_automl.models.task import TaskKind
from tfx_automl.pipelines.datasets import ADULT_COLUMNS

_TEST_SHARE = 0.3


@dataclass(frozen=True)
class DataSet:
    """One data set.

    Attributes:
        kind: What is to be predicted.
        label: The label column.
        load: From the folder of data files and a seed to the rows of train and of test.
    """

    kind: TaskKind
    label: str
    load: Callable[[Path, int], tuple[pd.DataFrame, pd.DataFrame]]

    @property
    def metric(self) -> str:
        """What is compared: AUC (for more than two classes, the mean of one against the rest), or R²."""
        return "r2" if self.kind == "regression" else "auc"


def _adult(folder: Path, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The division is the data set's own."""
    del seed
    names = ADULT_COLUMNS.split(",")
    read: Mapping[str, Any] = {"names": names, "skipinitialspace": True, "na_values": "?"}
    train, test = (pd.read_csv(folder / f"adult-{part}.csv", **read) for part in ("train", "test"))
    test["income"] = test["income"].str.rstrip(".")
    return train, test


def _acs_income(folder: Path, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """60 % train and 40 % test, by a hash of the row's number."""
    del seed
    rows = pd.read_parquet(folder / "acs-income.parquet").reset_index(drop=True)
    rows["PINCP"] = rows["PINCP"].map({0: "low", 1: "high"})
    tenth = np.array([hashlib.md5(str(n).encode()).digest()[0] for n in range(len(rows))]) / 256
    return rows[tenth < 0.6], rows[tenth >= 0.6]


def _taxi(folder: Path, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Does a passenger tip more than a fifth of the fare?"""
    rows = pd.read_csv(folder / "chicago-taxi.csv")
    rows["big_tip"] = np.where(rows["tips"] > 0.2 * rows["fare"], "yes", "no")
    return _divided(rows.drop(columns="tips"), "big_tip", seed)


def _penguins(folder: Path, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows = pd.read_csv(folder / "penguins.csv")
    rows["species"] = "species_" + rows["species"].astype(str)
    return _divided(rows, "species", seed)


def _bundled(name: str, kind: TaskKind) -> Callable[[Path, int], tuple[pd.DataFrame, pd.DataFrame]]:
    """A data set that comes with scikit-learn."""

    def load(folder: Path, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
        del folder
        from sklearn import datasets

        rows = getattr(datasets, f"load_{name}")(as_frame=True).frame
        rows.columns = [column.replace(" ", "_") for column in rows.columns]
        if kind != "regression":
            rows["target"] = "class_" + rows["target"].astype(str)
        return _divided(rows, "target", seed)

    return load


def _divided(rows: pd.DataFrame, label: str, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draws the test rows; of every class its share."""
    from sklearn.model_selection import train_test_split

    classes = rows[label] if rows[label].dtype == object else None
    train, test = train_test_split(rows, test_size=_TEST_SHARE, random_state=seed, stratify=classes)
    return train, test


SETS: Mapping[str, DataSet] = {
    "adult": DataSet("binary", "income", _adult),
    "acs-income": DataSet("binary", "PINCP", _acs_income),
    "chicago-taxi": DataSet("binary", "big_tip", _taxi),
    "penguins": DataSet("multiclass", "species", _penguins),
    "digits": DataSet("multiclass", "target", _bundled("digits", "multiclass")),
    "breast-cancer": DataSet("binary", "target", _bundled("breast_cancer", "binary")),
    "wine": DataSet("multiclass", "target", _bundled("wine", "multiclass")),
    "diabetes": DataSet("regression", "target", _bundled("diabetes", "regression")),
}
