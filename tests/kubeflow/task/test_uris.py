"""Addresses in buckets and the folders that stand for them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_automl.kubeflow.task import uris

names = st.text(st.characters(categories=["L", "N"], include_characters="-_./"), min_size=1)


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("minio://mlpipeline/v2/a", "/minio/mlpipeline/v2/a"),
        ("s3://bucket/a", "/s3/bucket/a"),
        ("gs://bucket/a", "/gcs/bucket/a"),
        ("/mnt/data/a", "/mnt/data/a"),
        ("a/b", "a/b"),
    ],
)
def test_there_and_back(uri, path):
    assert uris.to_path(uri) == path
    assert uris.to_uri(path, like=uri) == uri


@given(st.sampled_from(["minio://", "s3://", "gs://"]), names)
def test_every_address_comes_back(scheme, name):
    assert uris.to_uri(uris.to_path(scheme + name), like=scheme) == scheme + name


def test_a_folder_of_that_name_is_no_bucket():
    assert uris.to_uri("/s3/bucket/a", like="/mnt/root") == "/s3/bucket/a"
    assert uris.to_uri("/mnt/a", like="s3://bucket/root") == "/mnt/a"


def test_relative():
    assert uris.relative("/a/b", "/a/b") == ""
    assert uris.relative("/a/b/c/d", "/a/b") == "c/d"
    assert uris.relative("/a/..b", "/a") == "..b"
    for elsewhere in ("/a", "/a/bc"):
        with pytest.raises(ValueError, match="is not in /a/b"):
            uris.relative(elsewhere, "/a/b")
