"""Runs a command beside a Flink cluster on this machine that runs Beam pipelines; nothing of it is left afterwards.

    python tools/flink.py python -m pytest -m flink tests/flink

Needs Java 17 (or 11), Maven, which fetches the jars into build/flink once, unshare and ip. The cluster is a JobManager,
two pods of a TaskManager with a slot and a pool of Python workers each, and Beam's job server (tools/cluster.py). The
command finds the options of `tfx-automl run` that reach it in the variable TFX_AUTOML_FLINK, as JSON. Logs lie in
build/flink/logs.

Exit status: the command's own; 77 where a cluster cannot be had; 1 where it does not start.
"""

import os
import subprocess
import sys

import cluster

RPC_PORT, REST_PORT = 6123, 8081
# Beam and Flink reach into these on Java 17.
JAVA = [*cluster.JAVA, "-Xmx640m"]
JAVA += [f"--add-opens=java.base/java.{name}=ALL-UNNAMED" for name in ("util", "lang", "nio", "time")]
RUNTIME = "org.apache.flink.runtime"
JOB_SERVER = "org.apache.beam.runners.flink.FlinkJobServerDriver"
SENT_WITH_A_JOB = ("beam-runners-flink-", "flink-java-", "flink-clients-", "flink-optimizer-", "flink-streaming-java-")
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


def start_cluster() -> list[subprocess.Popen[bytes]]:
    """Starts all its processes, each with a log of its own."""
    jars = ["-cp", f"{FLINK.jars}/*"]
    configuration = ["--configDir", str(FLINK.folder / "conf")]
    sizes = [word for name, size in SIZES.items() for word in ("-D", f"{name}={size}")]
    settings = "".join(f"{name}: {value}\n" for name, value in all_settings().items())
    (FLINK.folder / "conf/flink-conf.yaml").write_text(settings, encoding="utf-8")
    programs = {
        "jobmanager": [*jars, f"{RUNTIME}.entrypoint.StandaloneSessionClusterEntrypoint", *configuration],
        "jobserver": [*job_server_jars(), JOB_SERVER, f"--flink-master={cluster.HOST}:{REST_PORT}"],
    }
    programs["jobserver"] += cluster.JOB_SERVER_PORTS
    task_manager = [*JAVA, *jars, f"{RUNTIME}.taskexecutor.TaskManagerRunner", *configuration, *sizes]
    processes = [cluster.start(FLINK.folder, name, [*JAVA, *words]) for name, words in programs.items()]
    return processes + cluster.start_pods(
        FLINK.folder, lambda address: [*task_manager, "-D", f"taskmanager.host={address}"]
    )


def all_settings() -> dict[str, object]:
    """Returns what Flink's settings say for every part of the cluster."""
    return {
        "jobmanager.rpc.address": cluster.HOST,
        "jobmanager.rpc.port": RPC_PORT,
        "rest.address": cluster.HOST,
        "rest.port": REST_PORT,
        "taskmanager.numberOfTaskSlots": 1,
        "heartbeat.interval": 2000,  # milliseconds: a TaskManager that was killed is soon missed
        "heartbeat.timeout": 20000,
        "classloader.resolve-order": "parent-first",  # every part has all jars already
        "io.tmp.dirs": FLINK.folder / "tmp",
        "blob.storage.directory": FLINK.folder / "tmp",
    }


def job_server_jars() -> list[str]:
    """Returns the class path of the job server.

    It sends every jar of its class path to the cluster with every job, 150 MB in 17 seconds, although all of them are
    there. What lies on the boot class path is not sent; only what asks for its own class loader must lie elsewhere.
    """
    jars = sorted(FLINK.jars.glob("*.jar"))
    sent = [str(jar) for jar in jars if jar.name.startswith(SENT_WITH_A_JOB)]
    boot = [str(jar) for jar in jars if str(jar) not in sent]
    return [f"-Xbootclasspath/a:{os.pathsep.join(boot)}", "-cp", os.pathsep.join(sent)]


FLINK = cluster.Engine(
    title="Flink",
    megabytes=150,
    options={
        "beam_runner": "flink",
        "beam_parallelism": cluster.PODS,
        "flink_rest": f"{cluster.HOST}:{REST_PORT}",
    },
    start=start_cluster,
    workers=lambda: int(cluster.ask(f"http://{cluster.HOST}:{REST_PORT}/overview")["slots-total"]),
)


if __name__ == "__main__":
    sys.exit(cluster.main(FLINK, __file__, sys.argv[1:]))
