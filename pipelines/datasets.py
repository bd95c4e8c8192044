"""The data sets of `tfx-automl demo`: each becomes an ordinary configuration of `tfx-automl run`."""

import os
from collections.abc import Mapping
from pathlib import Path

from tfx_automl.errors import ConfigError
from tfx_automl.pipelines.config import RunConfig
from tfx_automl.pipelines.output import OutputFolder

DEFAULT_OUTPUT = "runs/demo"

ADULT_COLUMNS = (
    "age,workclass,fnlwgt,education,education_num,marital_status,occupation,relationship,race,sex,capital_gain,"
    "capital_loss,hours_per_week,native_country,income"
)
_ADULT_FILES = (("adult-train.csv", "adult-test.csv"), ("adult.data", "adult.test"))
_FASHION_FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)


def demo_config(dataset: str, data_dir: str | None, overrides: Mapping[str, object]) -> RunConfig:
    """Returns the configuration of a demo, and makes its data file where the data comes with a library.

    Args:
        dataset: `diabetes`, `fashion-mnist` or `adult`.
        data_dir: The folder with the data set's files; only for `adult` (needed) and `fashion-mnist` (without it,
            Keras downloads them).
        overrides: Options that win over the demo's own, as for `RunConfig.from_mapping`.

    Raises:
        ConfigError: An option is wrong, the data set's files are not there, or the output folder is somebody else's.
    """
    makers = {"diabetes": _diabetes, "fashion-mnist": _fashion_mnist, "adult": _adult}
    if dataset not in makers:
        raise ConfigError(f"--dataset: expected one of {', '.join(makers)}, got {dataset!r}.")
    output = OutputFolder.at(str(overrides.get("output", DEFAULT_OUTPUT)))
    # Options are checked before anything is made or downloaded.
    RunConfig.from_mapping({"data": "-", "label": "-", "output": str(output.root), **_without_output(overrides)})
    output.check()
    defaults = makers[dataset](data_dir, output)
    return RunConfig.from_mapping({**defaults, **_without_output(overrides), "output": str(output.root)})


def _without_output(overrides: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in overrides.items() if key != "output"}


def _diabetes(data_dir: str | None, output: OutputFolder) -> dict[str, object]:
    """442 real patients (Efron et al. 2004), bundled with scikit-learn; label: progression above the median."""
    if data_dir:
        raise ConfigError("--data-dir is for adult and fashion-mnist: the diabetes data comes with scikit-learn.")
    return {
        "data": str(_write_diabetes(output)),
        "label": "progression",
        "positive": "above_median",
        "sensitive": ("sex", "age"),
        "cut": {"age": (40, 60)},
        "split": (50, 20, 30),  # 442 rows: a larger test share, so that the groups can be compared at all
        "min_slice_size": 20,
        "max_epochs": 9,
    }


def _write_diabetes(output: OutputFolder) -> Path:
    from sklearn.datasets import load_diabetes

    names = {"s1": "tc", "s2": "ldl", "s3": "hdl", "s4": "tch", "s5": "ltg", "s6": "glu"}
    frame = load_diabetes(scaled=False, as_frame=True).frame.rename(columns=names)
    target = frame.pop("target")
    # The study codes sex as 1 and 2 without saying which is which; the codes stay as they are.
    frame["sex"] = "sex_" + frame["sex"].astype(int).astype(str)
    frame["progression"] = (target > target.median()).map({True: "above_median", False: "up_to_median"})
    return _write_if_changed(output, "diabetes.csv", frame.to_csv(index=False))


def _write_if_changed(output: OutputFolder, name: str, text: str) -> Path:
    """Writes a data file only when its text changed: its time stamp is part of what the cache goes by."""
    output.create()
    output.data.mkdir(exist_ok=True)
    path = output.data / name
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
    return path


def _adult(data_dir: str | None, output: OutputFolder) -> dict[str, object]:
    """UCI Adult: does a person earn more than 50,000 dollars a year (census of 1994)?"""
    train, test = _adult_files(data_dir)
    first_line, _, rest = test.read_text(encoding="utf-8").partition("\n")
    if first_line.startswith("|"):  # UCI's own adult.test begins with a line that is no row
        test = _write_if_changed(output, "adult-test.csv", rest)
    return {
        "data": str(train),
        "test_data": str(test),
        "columns": ADULT_COLUMNS,
        "label": "income",
        "positive": ">50K",
        "sensitive": ("sex", "race", "sex,race"),
    }


def _adult_files(data_dir: str | None) -> tuple[Path, Path]:
    if not data_dir:
        raise ConfigError(
            "--dataset adult needs --data-dir: a folder with adult.data and adult.test from the UCI repository."
        )
    folder = Path(os.path.expanduser(data_dir))
    for train, test in _ADULT_FILES:
        if (folder / train).is_file() and (folder / test).is_file():
            return folder / train, folder / test
    wanted = " or ".join(" and ".join(pair) for pair in _ADULT_FILES)
    raise ConfigError(
        f"--data-dir: {folder} does not hold {wanted}; get them from the UCI Machine Learning Repository."
    )


def _fashion_mnist(data_dir: str | None, output: OutputFolder) -> dict[str, object]:
    """The hyperparameter lab: 70,000 images of clothes, a dense network, three learning rates."""
    del output
    folder = Path(os.path.expanduser(data_dir)) if data_dir else _download_fashion_mnist()
    absent = [name for name in _FASHION_FILES if not (folder / name).is_file()]
    if absent:
        raise ConfigError(
            f"--data-dir: {folder} lacks {', '.join(absent)} (Debian has them in the package dataset-fashion-mnist)."
        )
    return {
        "data": str(folder / _FASHION_FILES[0]),
        "test_data": str(folder / _FASHION_FILES[2]),
        "label": "label",
        "task": "multiclass",
        "families": ("dense",),
        "max_epochs": 10,
    }


def _download_fashion_mnist() -> Path:
    """Has Keras download the data, and returns the folder where Keras keeps the original idx files."""
    import keras

    try:
        keras.datasets.fashion_mnist.load_data()
    except Exception as error:  # Keras raises whatever the network layer raises
        raise ConfigError(
            f"Keras could not download Fashion-MNIST ({error}); give --data-dir a folder with its four idx files."
        ) from error
    home = os.environ.get("KERAS_HOME", os.path.join(os.path.expanduser("~"), ".keras"))
    return Path(home) / "datasets" / "fashion-mnist"
