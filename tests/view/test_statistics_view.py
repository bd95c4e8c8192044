"""The view of the statistics: what StatisticsGen wrote, by feature and split."""

import pytest

from tfx_automl import view
from tfx_automl.errors import ConfigError


def test_every_feature_and_split(run, look, evil):
    shown = view.statistics(run)
    page = look(shown)
    assert "script" not in page.tags
    assert "rows: train 1,000, eval 100" in page.text
    assert "<script>alert('x')</scr… (75.0 %); nurse (25.0 %)" in page.text
    assert "10.0 %" in page.text and "1.0 %" in page.text  # missing of eval and train
    assert len(page.pictures) == 4
    frame = shown.to_frame().set_index(["feature", "split"])
    assert frame.loc[("age", "train"), "mean"] == 40.5
    assert frame.loc[("age", "eval"), "missing"] == 10
    assert frame.loc[("nothing", "eval"), "missing"] == 100
    assert frame.loc[(evil, "train"), "unique"] == 2
    assert frame.loc[(evil, "train"), "top"] == evil


def test_some_splits_and_features(run, look):
    page = look(view.statistics(run, splits=["eval"], limit=1))
    assert "eval" in page.text and "train" not in page.text
    assert "2 more features are in to_frame()." in page.text
    with pytest.raises(ConfigError, match=r"splits: expected some of train, eval; got \['tset'\]"):
        view.statistics(run, splits=["tset"])


def test_artifact_folder_and_message_in_memory(statistics_folder, look):
    from tensorflow_metadata.proto.v0 import statistics_pb2

    content = (statistics_folder / "Split-train" / "FeatureStats.pb").read_bytes()
    message = statistics_pb2.DatasetFeatureStatisticsList.FromString(content)
    assert "rows: all 1,000" in look(view.statistics(message)).text
    assert view.statistics(statistics_folder).to_frame().shape == view.statistics(statistics_folder).to_frame().shape


def test_what_tfdv_makes(look):
    """Of real columns: numbers with missing ones, text, and one that is all missing."""
    import pandas as pd
    import tensorflow_data_validation as tfdv

    frame = pd.DataFrame({"age": [1.0, 2.0, None, 4.0], "job": ["a", "b", "b", None]})
    found = view.statistics(tfdv.generate_statistics_from_dataframe(frame)).to_frame().set_index("feature")
    assert found.loc["age", "missing"] == found.loc["job", "missing"] == 1
    assert found.loc["age", "mean"] == pytest.approx(7 / 3)
    assert found.loc["job", "top"] == "b"


@pytest.mark.parametrize("source", [42, "nowhere"])
def test_what_holds_no_statistics(source):
    with pytest.raises(
        ConfigError, match=r"^statistics: expected the output folder of a run .* of type ExampleStatistics"
    ):
        view.statistics(source)


def test_files_that_are_no_statistics(statistics_folder, run, search_folder):
    with pytest.raises(ConfigError, match=r"which has no Split-<name>/FeatureStats.pb"):
        view.statistics(search_folder)
    (statistics_folder / "Split-train" / "FeatureStats.pb").write_bytes(b"no statistics")
    with pytest.raises(ConfigError, match="holds no statistics"):
        view.statistics(run)
