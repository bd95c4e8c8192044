"""Clusters of separate processes on this machine that run Beam pipelines: what tools/flink.py and tools/spark.py share.

Beam's Java code listens on all interfaces and cannot be told otherwise; so everything, the command included, runs in a
network namespace that leads nowhere but to those of the pods, and in a process namespace that the kernel clears when
the program ends, however it ends. A pod is a worker of the engine and a pool of Python workers (tools/pod.py).
"""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
INSIDE = "--inside-the-namespaces"
# The kernel ends what is inside with its first process, that with unshare, and unshare with this one: killed ones, too.
NAMESPACES = ["setpriv", "--pdeathsig", "KILL", "unshare", "--user", "--map-root-user", "--net", "--mount-proc"]
NAMESPACES += ["--pid", "--fork", "--kill-child"]
# Whether a network between namespaces can be made, too.
DEVICES = "ip link add cluster type bridge && ip link add pod type veth peer name eth0"
UNAVAILABLE = 77
PODS = 2
SECONDS_TO_START = 120
HOST, NETWORK = "10.0.0.1", "10.0.0.{}"
JOB_PORT, ARTIFACT_PORT = 8099, 8098
# The jobs are small: what starts quickly is what counts.
JAVA = ["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
JOB_SERVER_PORTS = [f"--job-port={JOB_PORT}", f"--artifact-port={ARTIFACT_PORT}", "--expansion-port=-1"]
# What `tfx-automl run` needs to reach a cluster.
OPTIONS = {
    "beam_endpoint": f"localhost:{JOB_PORT}",
    "beam_environment": "external",
    "beam_environment_config": "localhost:50000",
}


@dataclass(frozen=True)
class Engine:
    """What runs Beam pipelines in a cluster.

    Attributes:
        title: As people call it.
        megabytes: What Maven fetches, about.
        options: What `tfx-automl run` needs to reach it.
        start: Starts all processes of the cluster.
        workers: Returns how many pods can be given work; raises OSError while nothing answers.
    """

    title: str
    megabytes: int
    options: Mapping[str, str | int | list[str]]
    start: Callable[[], list[subprocess.Popen[bytes]]]
    workers: Callable[[], int]

    @property
    def name(self) -> str:
        """In names of files and variables."""
        return self.title.lower()

    @property
    def folder(self) -> Path:
        """Where all that it writes lies."""
        return ROOT / "build" / self.name

    @property
    def jars(self) -> Path:
        """Where its jars lie."""
        return self.folder / "jars"


def main(engine: Engine, script: str, command: list[str]) -> int:
    """Fetches what is needed, and runs the command within the namespaces beside the cluster.

    Args:
        engine: What the cluster runs.
        script: The file of the program itself, which is started again within the namespaces.
        command: What to run.

    Returns:
        The command's exit status; 77 where a cluster cannot be had; 1 where it does not start.
    """
    if not command:
        sys.stderr.write(f"usage: tools/{engine.name}.py COMMAND...\n")
        return 2
    if command[0] == INSIDE:
        return run_beside(engine, command[1:])
    if obstacle := find_obstacle():
        sys.stderr.write(f"{engine.title} cannot be started here: {obstacle}.\n")
        return UNAVAILABLE
    if not jars_are_there(engine):
        sys.stderr.write(f"Maven could not fetch the jars of {engine.title}; what it says is above.\n")
        return 1
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # unshare itself does not heed it
    return subprocess.run([*NAMESPACES, sys.executable, script, INSIDE, *command], check=False).returncode


def find_obstacle() -> str | None:
    """Returns why there can be no cluster here, if there can be none."""
    missing = [name for name in ("java", "mvn", "unshare", "setpriv", "ip") if not shutil.which(name)]
    if missing:
        needed = "default-jre-headless maven util-linux iproute2"
        return f"there is no {' and no '.join(missing)} (apt-get install {needed})"
    if subprocess.run([*NAMESPACES, "sh", "-c", DEVICES], stderr=subprocess.DEVNULL, check=False).returncode:
        return "this machine allows no network and process namespaces"
    return None


def jars_are_there(engine: Engine) -> bool:
    """Lets Maven fetch the jars, unless they are those that the project asks for."""
    pom = ROOT / f"tools/{engine.name}-pom.xml"
    stamp, wanted = engine.jars / "pom.sha256", hashlib.sha256(pom.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text(encoding="ascii") == wanted:
        return True
    sys.stderr.write(f"fetching the jars of {engine.title} with Maven (about {engine.megabytes} MB)\n")
    shutil.rmtree(engine.folder, ignore_errors=True)
    engine.folder.mkdir(parents=True)
    copy = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={engine.jars}"]
    if subprocess.run(["mvn", "-q", "-B", "-f", str(pom), *copy], check=False).returncode:
        return False
    stamp.write_text(wanted, encoding="ascii")
    return True


def run_beside(engine: Engine, command: Sequence[str]) -> int:
    """Starts the cluster, and runs the command; whatever still runs then ends with this process."""
    join_networks()
    for name in ("logs", "tmp", "conf"):
        shutil.rmtree(engine.folder / name, ignore_errors=True)
        (engine.folder / name).mkdir()
    if not is_ready(engine, engine.start()):
        for log in sorted((engine.folder / "logs").iterdir()):
            sys.stderr.write(f"--- {log.name} ends with\n{log.read_text(errors='replace')[-2000:]}\n")
        logs = f"build/{engine.name}/logs"
        sys.stderr.write(f"{engine.title} did not start; its logs are in {logs}, and end as above.\n")
        return 1
    environment = {**os.environ, f"TFX_AUTOML_{engine.name.upper()}": json.dumps({**OPTIONS, **engine.options})}
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def join_networks() -> None:
    """Makes localhost, and the network of the cluster."""
    for words in ("link set lo up", "link add cluster type bridge", f"addr add {HOST}/24 dev cluster"):
        subprocess.run(["ip", *words.split()], check=True)
    subprocess.run(["ip", "link", "set", "cluster", "up"], check=True)


def start(folder: Path, name: str, words: Sequence[str], **environment: str) -> subprocess.Popen[bytes]:
    """Starts a program with a log of its own."""
    with (folder / f"logs/{name}.log").open("wb") as log:
        return subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder, env={**os.environ, **environment}
        )


def start_pods(
    folder: Path, worker: Callable[[str], Sequence[str]], **environment: str
) -> list[subprocess.Popen[bytes]]:
    """Starts workers of the engine, each with its pool of Python workers and in a network namespace of its own.

    Args:
        folder: Of the engine.
        worker: From the address of a pod to what starts the engine's worker.
        **environment: Of the workers, besides this process's own.
    """
    return [_start_pod(folder, NETWORK.format(2 + number), worker, environment) for number in range(PODS)]


def _start_pod(
    folder: Path, address: str, worker: Callable[[str], Sequence[str]], environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    words = [sys.executable, str(ROOT / "tools/pod.py"), address, str(folder / "logs"), *worker(address)]
    pod = start(folder, f"pod-{address}", ["unshare", "--net", *words], **environment)
    inside, outside = Path(f"/proc/{pod.pid}/ns/net"), Path("/proc/self/ns/net")
    while pod.poll() is None and inside.readlink() == outside.readlink():
        time.sleep(0.01)
    device = f"pod{address.rpartition('.')[2]}"
    for line in (
        f"link add {device} type veth peer name eth0 netns {pod.pid}",
        f"link set {device} master cluster up",
    ):
        subprocess.run(["ip", *line.split()], check=True)
    return pod


def is_ready(engine: Engine, processes: Sequence[subprocess.Popen[bytes]]) -> bool:
    """Waits until all pods are there and the job server accepts jobs; returns whether that happened."""
    end = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < end and all(process.poll() is None for process in processes):
        with contextlib.suppress(OSError):  # not yet
            workers = engine.workers()
            with socket.create_connection(("localhost", JOB_PORT), timeout=5):
                if workers == PODS:
                    return True
        time.sleep(0.2)
    return False


def ask(url: str) -> Any:
    """Returns the JSON that an address answers with.

    Raises:
        OSError: Nothing answers there.
    """
    with urllib.request.urlopen(url, timeout=5) as answer:
        return json.load(answer)
