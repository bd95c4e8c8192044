"""What is in a pod of a cluster, in a network namespace of its own: a worker of the engine, and Beam's worker pool.

    python tools/pod.py ADDRESS FOLDER COMMAND...

Beam numbers the Python workers of each worker of the engine alike (a TaskManager of Flink, an executor of Spark), so
that two that share a pool would take away each other's. Here each has its own, at the same port, as in pods. A worker
that ends is started again, as kubelet does.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

POOL_PORT = 50000
SECONDS_TO_CONNECT = 10
POOL = ["-m", "apache_beam.runners.worker.worker_pool_main", f"--service_port={POOL_PORT}"]


def main(address: str, folder: Path, command: list[str]) -> int:
    """Runs until it is told to end.

    Args:
        address: Of the pod, in the network of the cluster.
        folder: For logs, and for what the worker writes.
        command: What starts the engine's worker.

    Returns:
        Exit status 1 if the worker pool ended.
    """
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    connect(address)
    # Workers write a line or two to standard output, which nobody reads; what matters goes to standard error.
    with (folder / f"pool-{address}.log").open("wb") as log:
        pool = subprocess.Popen(
            [sys.executable, *POOL], env=environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder
        )
    with (folder / f"worker-{address}.log").open("ab") as log:
        while pool.poll() is None:
            subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder, check=False)
            time.sleep(1)
    return 1


def environment() -> dict[str, str]:
    """Returns the environment of a worker pool, which starts its workers with the `python` that it finds first."""
    paths = [str(Path(sys.executable).parent), os.environ["PATH"]]
    return {**os.environ, "PATH": os.pathsep.join(paths), "TF_CPP_MIN_LOG_LEVEL": "2"}


def connect(address: str) -> None:
    """Waits for the network device that comes from outside, and gives it its address."""
    end = time.monotonic() + SECONDS_TO_CONNECT
    while not Path("/sys/class/net/eth0").exists() and time.monotonic() < end:
        time.sleep(0.02)
    for words in (["link", "set", "lo", "up"], ["addr", "add", f"{address}/24", "dev", "eth0"]):
        subprocess.run(["ip", *words], check=True)
    subprocess.run(["ip", "link", "set", "eth0", "up"], check=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:]))
