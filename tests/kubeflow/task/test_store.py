"""Buckets: which client opens which place."""

import pytest
from pyarrow import fs

from tfx_automl.errors import DataError
from tfx_automl.kubeflow.task import store


@pytest.fixture
def clients(monkeypatch):
    """Calls of Arrow's clients."""
    calls = []
    for name in ("S3FileSystem", "GcsFileSystem"):
        monkeypatch.setattr(
            fs, name, lambda name=name, **options: calls.append((name, options)) or fs.LocalFileSystem()
        )
    return calls


@pytest.mark.parametrize(
    ("place", "endpoint", "call"),
    [
        ("gs://b/a", None, ("GcsFileSystem", {})),
        ("s3://b/a", None, ("S3FileSystem", {})),
        ("s3://b/a", "https://host", ("S3FileSystem", {"endpoint_override": "host", "scheme": "https"})),
        (
            "minio://b/a",
            None,
            ("S3FileSystem", {"endpoint_override": "minio-service.kubeflow:9000", "scheme": "http"}),
        ),
        ("minio://b/a", "host:9", ("S3FileSystem", {"endpoint_override": "host:9", "scheme": "https"})),
    ],
)
def test_clients(clients, monkeypatch, place, endpoint, call):
    monkeypatch.delenv(store.ENDPOINT, raising=False)
    if endpoint:
        monkeypatch.setenv(store.ENDPOINT, endpoint)
    _, path = store._open(place)
    assert clients == [call]
    assert path == "b/a"


def test_mounted_bucket_needs_no_client(clients, monkeypatch):
    monkeypatch.setattr(store.os.path, "ismount", lambda path: path == "/gcs")
    system, path = store._open("gs://b/a")
    assert (clients, path, system.protocol) == ([], "/gcs/b/a", ("file", "local"))


def test_write_and_read_through_arrow(clients, tmp_path):
    place = store.Store(f"s3://{tmp_path}/history")
    place.write("a/b.json", "é")
    assert list(place.read_all("a").values()) == ["é"]
    assert place.read_all("nothing") == {}
    store.fetch(f"s3://{tmp_path}/history", f"{tmp_path}/copy")
    assert (tmp_path / "copy" / "a" / "b.json").read_text(encoding="utf-8") == "é"
    store.fetch(f"s3://{tmp_path}/history/a/b.json", f"{tmp_path}/one")
    assert (tmp_path / "one").read_text(encoding="utf-8") == "é"
    with pytest.raises(DataError, match=r"nothing.* cannot be read"):
        store.fetch(f"s3://{tmp_path}/nothing", f"{tmp_path}/two")


def test_help_with_credentials(monkeypatch):
    monkeypatch.setattr(store, "_open", lambda place: (_Broken(), place))
    with pytest.raises(DataError, match=r"s3://b cannot be read: no\. The task needs TFX_AUTOML_S3_ENDPOINT"):
        store.Store("s3://b").read_all("a")
    with pytest.raises(DataError, match=r"gs://b cannot be written to: no\. The task needs the right to read"):
        store.Store("gs://b").write("a", "")


class _Broken:
    def __getattr__(self, name):
        raise PermissionError("no")
