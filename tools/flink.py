"""Runs a command beside a Flink cluster on this machine that runs Beam pipelines; nothing of it is left afterwards.

    python tools/flink.py python -m pytest -m flink tests/flink

Needs Java 17 (or 11), Maven, which fetches the jars into build/flink once, unshare and ip. The cluster is a JobManager,
two TaskManagers with a slot and a pool of Python workers each (tools/flink_pod.py), and Beam's job server. The command
finds the options of `tfx-automl run` that reach it in the variable TFX_AUTOML_FLINK, as JSON. Logs lie in
build/flink/logs.

Beam's Java code listens on all interfaces and cannot be told otherwise; so everything, the command included, runs in a
network namespace that leads nowhere but to those of the TaskManagers, and in a process namespace that the kernel clears
when this program ends, however it ends.

Exit status: the command's own; 77 where a cluster cannot be had; 1 where it does not start.
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
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build/flink"
LIB = FOLDER / "lib"
POM = ROOT / "tools/flink-pom.xml"
INSIDE = "--inside-the-namespaces"
# The kernel ends what is inside with its first process, that with unshare, and unshare with this one: killed ones, too.
NAMESPACES = ["setpriv", "--pdeathsig", "KILL", "unshare", "--user", "--map-root-user", "--net", "--mount-proc"]
NAMESPACES += ["--pid", "--fork", "--kill-child"]
# Whether a network between namespaces can be made, too.
DEVICES = "ip link add cluster type bridge && ip link add pod type veth peer name eth0"
UNAVAILABLE = 77
TASK_MANAGERS = 2
SECONDS_TO_START = 120
NETWORK, JOB_MANAGER = "10.0.0.{}", "10.0.0.1"
RPC_PORT, REST_PORT, JOB_PORT, ARTIFACT_PORT = 6123, 8081, 8099, 8098

# Beam and Flink reach into these on Java 17. The jobs are small: what starts quickly is what counts.
JAVA = ["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx640m"]
JAVA += [f"--add-opens=java.base/java.{name}=ALL-UNNAMED" for name in ("util", "lang", "nio", "time")]
RUNTIME = "org.apache.flink.runtime"
JOB_SERVER = "org.apache.beam.runners.flink.FlinkJobServerDriver"
SENT_WITH_A_JOB = ("beam-runners-flink-", "flink-java-", "flink-clients-", "flink-optimizer-", "flink-streaming-java-")
SETTINGS = {
    "jobmanager.rpc.address": JOB_MANAGER,
    "jobmanager.rpc.port": RPC_PORT,
    "rest.address": JOB_MANAGER,
    "rest.port": REST_PORT,
    "taskmanager.numberOfTaskSlots": 1,
    "heartbeat.interval": 2000,  # milliseconds: a TaskManager that was killed is soon missed
    "heartbeat.timeout": 20000,
    "classloader.resolve-order": "parent-first",  # every part has all jars already
    "io.tmp.dirs": FOLDER / "tmp",
    "blob.storage.directory": FOLDER / "tmp",
}
# Without Flink's start script every size has to be said. A plan of Beam has many edges, and each needs 512 buffers for
# the network, however little it carries: small ones save memory.
MEGABYTES = {
    "framework.heap.size": 64,
    "framework.off-heap.size": 64,
    "task.heap.size": 256,
    "task.off-heap.size": 0,
    "managed.size": 64,
    "network.min": 256,
    "network.max": 256,
    "jvm-metaspace.size": 256,
    "jvm-overhead.min": 64,
    "jvm-overhead.max": 64,
}
SIZES = {"taskmanager.cpu.cores": "1", "taskmanager.memory.segment-size": "8kb"}
SIZES |= {f"taskmanager.memory.{name}": f"{mb}m" for name, mb in MEGABYTES.items()}
# What `tfx-automl run` needs to reach the cluster.
OPTIONS = {
    "beam_runner": "flink",
    "beam_endpoint": f"localhost:{JOB_PORT}",
    "beam_environment": "external",
    "beam_environment_config": "localhost:50000",
    "beam_parallelism": TASK_MANAGERS,
    "flink_rest": f"{JOB_MANAGER}:{REST_PORT}",
}


def main(command: list[str]) -> int:
    """Fetches what is needed, and goes on inside the namespaces; returns the exit status."""
    if not command:
        sys.stderr.write("usage: tools/flink.py COMMAND...\n")
        return 2
    if command[0] == INSIDE:
        return run_beside_flink(command[1:])
    if obstacle := find_obstacle():
        sys.stderr.write(f"Flink cannot be started here: {obstacle}.\n")
        return UNAVAILABLE
    if not jars_are_there():
        sys.stderr.write("Maven could not fetch the jars of Flink; what it says is above.\n")
        return 1
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # unshare itself does not heed it
    return subprocess.run([*NAMESPACES, sys.executable, __file__, INSIDE, *command], check=False).returncode


def find_obstacle() -> str | None:
    """Returns why there can be no Flink here, if there can be none."""
    missing = [name for name in ("java", "mvn", "unshare", "setpriv", "ip") if not shutil.which(name)]
    if missing:
        needed = "default-jre-headless maven util-linux iproute2"
        return f"there is no {' and no '.join(missing)} (apt-get install {needed})"
    if subprocess.run([*NAMESPACES, "sh", "-c", DEVICES], stderr=subprocess.DEVNULL, check=False).returncode:
        return "this machine allows no network and process namespaces"
    return None


def jars_are_there() -> bool:
    """Lets Maven fetch the jars, unless they are those that the project asks for."""
    stamp, wanted = FOLDER / "jars.sha256", hashlib.sha256(POM.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text(encoding="ascii") == wanted:
        return True
    sys.stderr.write("fetching the jars of Flink with Maven (about 150 MB)\n")
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    copy = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={LIB}"]
    if subprocess.run(["mvn", "-q", "-B", "-f", str(POM), *copy], check=False).returncode:
        return False
    stamp.write_text(wanted, encoding="ascii")
    return True


def run_beside_flink(command: list[str]) -> int:
    """Starts the cluster, and runs the command; whatever still runs then ends with this process."""
    join_networks()
    for name in ("logs", "tmp", "conf"):
        shutil.rmtree(FOLDER / name, ignore_errors=True)
        (FOLDER / name).mkdir()
    settings = "".join(f"{name}: {value}\n" for name, value in SETTINGS.items())
    (FOLDER / "conf/flink-conf.yaml").write_text(settings, encoding="utf-8")
    processes = start_cluster()
    if not is_ready(processes):
        for log in sorted((FOLDER / "logs").iterdir()):
            sys.stderr.write(f"--- {log.name} ends with\n{log.read_text(errors='replace')[-2000:]}\n")
        sys.stderr.write("Flink did not start; its logs are in build/flink/logs, and end as above.\n")
        return 1
    environment = {**os.environ, "TFX_AUTOML_FLINK": json.dumps(OPTIONS)}
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def join_networks() -> None:
    """Makes localhost, and the network of the cluster."""
    for words in ("link set lo up", "link add cluster type bridge", f"addr add {JOB_MANAGER}/24 dev cluster"):
        subprocess.run(["ip", *words.split()], check=True)
    subprocess.run(["ip", "link", "set", "cluster", "up"], check=True)


def start_cluster() -> list[subprocess.Popen[bytes]]:
    """Starts all its processes, each with a log of its own."""
    jars = ["-cp", f"{LIB}/*"]
    configuration = ["--configDir", str(FOLDER / "conf")]
    sizes = [word for name, size in SIZES.items() for word in ("-D", f"{name}={size}")]
    ports = [f"--job-port={JOB_PORT}", f"--artifact-port={ARTIFACT_PORT}", "--expansion-port=-1"]
    programs = {
        "jobmanager": [*jars, f"{RUNTIME}.entrypoint.StandaloneSessionClusterEntrypoint", *configuration],
        "jobserver": [*job_server_jars(), JOB_SERVER, f"--flink-master={JOB_MANAGER}:{REST_PORT}", *ports],
    }
    processes = [start(name, [*JAVA, *words]) for name, words in programs.items()]
    task_manager = [*JAVA, *jars, f"{RUNTIME}.taskexecutor.TaskManagerRunner", *configuration, *sizes]
    for number in range(TASK_MANAGERS):
        address = NETWORK.format(2 + number)
        processes.append(start_pod(address, [*task_manager, "-D", f"taskmanager.host={address}"]))
    return processes


def start_pod(address: str, command: list[str]) -> subprocess.Popen[bytes]:
    """Starts a TaskManager and its worker pool in a network namespace of their own."""
    words = [sys.executable, str(ROOT / "tools/flink_pod.py"), address, str(FOLDER / "logs"), *command]
    pod = start(f"pod-{address}", ["unshare", "--net", *words])
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


def job_server_jars() -> list[str]:
    """Returns the class path of the job server.

    It sends every jar of its class path to the cluster with every job, 150 MB in 17 seconds, although all of them are
    there. What lies on the boot class path is not sent; only what asks for its own class loader must lie elsewhere.
    """
    jars = sorted(LIB.glob("*.jar"))
    sent = [str(jar) for jar in jars if jar.name.startswith(SENT_WITH_A_JOB)]
    boot = [str(jar) for jar in jars if str(jar) not in sent]
    return [f"-Xbootclasspath/a:{os.pathsep.join(boot)}", "-cp", os.pathsep.join(sent)]


def start(name: str, words: list[str]) -> subprocess.Popen[bytes]:
    """Starts a program with a log of its own."""
    with (FOLDER / f"logs/{name}.log").open("wb") as log:
        return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=FOLDER)


def is_ready(processes: list[subprocess.Popen[bytes]]) -> bool:
    """Waits until all slots are there and the job server accepts jobs; returns whether that happened."""
    end = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < end and all(process.poll() is None for process in processes):
        with contextlib.suppress(OSError):  # not yet
            with urllib.request.urlopen(f"http://{JOB_MANAGER}:{REST_PORT}/overview", timeout=5) as answer:
                slots = json.load(answer)["slots-total"]
            with socket.create_connection(("localhost", JOB_PORT), timeout=5):
                if slots == TASK_MANAGERS:
                    return True
        time.sleep(0.2)
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
