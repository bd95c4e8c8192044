"""Packaging: the top-level folders are the sub-packages of `tfx_automl`."""

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent
FOLDERS = ("search", "models", "components", "pipelines", "view", "kubeflow")

packages = {"tfx_automl": "tfx_automl"}
for folder in FOLDERS:
    packages[f"tfx_automl.{folder}"] = folder
    for sub in find_packages(str(ROOT / folder)):
        packages[f"tfx_automl.{folder}.{sub}"] = f"{folder}/{sub.replace('.', '/')}"

version = re.search(r'__version__ = "([^"]+)"', (ROOT / "tfx_automl/__init__.py").read_text(encoding="utf-8"))

# Ranges that admit both stacks: TFX 1.16 (Python 3.10, any Linux) and TFX 1.21 (Python 3.10 to 3.13, glibc 2.39). There
# is no 1.18 to 1.20, and 1.17 has no wheels for older glibc and is not tested.
#
# Only the packages that decide the stack have upper bounds: pip settles bounded packages first, so it soon finds the
# stack whose wheels run here, and TFX's own bounds decide the rest. With more bounds pip searches through Google Cloud
# releases for many minutes; with these, pip 26.3 resolves everything in one.
REQUIREMENTS = [
    "tfx>=1.16.0,!=1.17.*,<1.22",
    "ml-metadata>=1.16.0,!=1.17.*,<1.22",
    "tensorflow-data-validation>=1.16.1,!=1.17.*,<1.22",
    "tensorflow>=2.16",
    "keras>=3.0",
    "keras-tuner>=1.4.7",
    "tensorflow-model-analysis>=0.47.1",  # 0.47.0 skips half of its own imports
    "tensorflow-transform>=1.16",
    "tensorflow-metadata>=1.16",
    "tfx-bsl>=1.16",
    "apache-beam[gcp]>=2.59",
    "protobuf>=3.20.3",
    "packaging>=22",
    "absl-py>=1.4",
    "numpy>=1.24",
    "pandas>=1.5",
    "pyarrow>=10",
    "joblib>=1.3",  # scikit-learn's way to start processes: robust, and without the trap of an unguarded main module
    "fsspec>=2023.1",  # data on any path, such as abfs:// or memory://
    "isal>=1.5",  # gzip three times as fast as zlib's at the same size
    "google-crc32c>=1.5",  # checksums of TFRecord files; TFX's storage client brings it anyway
    "scikit-learn>=1.5",  # boosted trees build on the inside of its HistGradientBoosting*, as it is since 1.5
    "scipy>=1.9",  # of the Gaussian process: the normal distribution, L-BFGS; scikit-learn needs it anyway
    "optuna>=4.0",  # its tree-structured Parzen estimator is the sampler `bayesian`; pure Python
    "pyyaml>=6",
    "rich>=13",
    "dill>=0.3",  # TFX 1.16 imports it; newer Beam no longer brings it
    "pip",  # TFX packages user modules with it
    "setuptools<81",  # TFX and its friends import pkg_resources
    "tensorboard>=2.16",  # the HParams of a search; TFX 1.21 imports it, too
]

setup(
    name="tfx-automl",
    version=version.group(1) if version else "0",
    description="AutoML inside TFX: from raw data to a tuned, fairness-gated, deployable model",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8") if (ROOT / "README.md").exists() else "",
    long_description_content_type="text/markdown",
    python_requires=">=3.10,<3.14",
    packages=sorted(packages),
    package_dir=packages,
    package_data={
        "tfx_automl": ["py.typed"],
        "tfx_automl.components.evaluator.report": ["*.css", "*.js"],
        "tfx_automl.kubeflow.beam": ["*.yaml"],
        "tfx_automl.kubeflow": ["Dockerfile*"],
    },
    install_requires=REQUIREMENTS,
    extras_require={
        "notebooks": ["nbclient", "nbformat", "ipykernel"],
        "buckets": ["gcsfs", "s3fs"],  # data in buckets, through fsspec; the container image has them
    },
    entry_points={"console_scripts": ["tfx-automl=tfx_automl.pipelines.cli:main"]},
)
