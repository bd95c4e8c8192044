"""Runs a command beside a Spark on this machine that runs Beam pipelines; nothing of it is left afterwards.

    python tools/spark.py python -m pytest -m spark tests/flink/test_pipeline_on_spark.py

The smallest there is: Beam's job server with Spark inside (two threads, one process), and a pool of Python workers. The
command finds the options of `tfx-automl run` that reach it in TFX_AUTOML_SPARK, as JSON. What it needs, how
it is shut off from the network, and the exit status are as for tools/flink.py. Logs lie in build/spark/logs.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

import flink
import flink_pod

FOLDER = flink.ROOT / "build/spark"
POM = flink.ROOT / "tools/spark-pom.xml"
JOB_SERVER = "org.apache.beam.runners.spark.SparkJobServerDriver"
# Spark reaches into these on Java 17.
OPEN = (
    "java.io",
    "java.lang",
    "java.lang.invoke",
    "java.lang.reflect",
    "java.net",
    "java.nio",
    "java.time",
    "java.util",
)
OPEN += ("java.util.concurrent", "java.util.concurrent.atomic", "sun.nio.ch", "sun.nio.cs", "sun.security.action")
JAVA = ["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx2g"]
JAVA += [f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in OPEN]
OPTIONS = {
    "beam_runner": "spark",
    "beam_endpoint": f"localhost:{flink.JOB_PORT}",
    "beam_environment": "external",
    "beam_environment_config": f"localhost:{flink_pod.POOL_PORT}",
}


def main(command: list[str]) -> int:
    """Fetches what is needed, and goes on inside the namespaces; returns the exit status."""
    if not command:
        sys.stderr.write("usage: tools/spark.py COMMAND...\n")
        return 2
    if command[0] == flink.INSIDE:
        return run_beside_spark(command[1:])
    if obstacle := flink.find_obstacle():
        sys.stderr.write(f"Spark cannot be started here: {obstacle}.\n")
        return flink.UNAVAILABLE
    if not flink.jars_are_there(FOLDER, POM, "Spark", 300):
        sys.stderr.write("Maven could not fetch the jars of Spark; what it says is above.\n")
        return 1
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    inside = [sys.executable, __file__, flink.INSIDE, *command]
    return subprocess.run([*flink.NAMESPACES, *inside], check=False).returncode


def run_beside_spark(command: list[str]) -> int:
    """Starts the job server and the pool, and runs the command."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    shutil.rmtree(FOLDER / "logs", ignore_errors=True)
    (FOLDER / "logs").mkdir()
    environment = flink_pod.environment() | {"SPARK_LOCAL_IP": "127.0.0.1"}
    ports = [f"--job-port={flink.JOB_PORT}", f"--artifact-port={flink.ARTIFACT_PORT}", "--expansion-port=-1"]
    server = [*JAVA, "-cp", f"{FOLDER / 'lib'}/*", JOB_SERVER, "--spark-master-url=local[2]", *ports]
    programs = {"jobserver": server, "pool": [sys.executable, *flink_pod.POOL]}
    processes = []
    for name, words in programs.items():
        with (FOLDER / f"logs/{name}.log").open("wb") as log:
            processes.append(subprocess.Popen(words, stdout=log, stderr=log, cwd=FOLDER, env=environment))
    if not all(answers(port, processes) for port in (flink.JOB_PORT, flink_pod.POOL_PORT)):
        sys.stderr.write("Spark did not start; its logs are in build/spark/logs.\n")
        return 1
    environment = {**os.environ, "TFX_AUTOML_SPARK": json.dumps(OPTIONS)}
    return subprocess.run(command, cwd=flink.ROOT, env=environment, check=False).returncode


def answers(port: int, processes: list[subprocess.Popen[bytes]]) -> bool:
    """Waits until something listens at a port; returns whether that happened."""
    end = time.monotonic() + flink.SECONDS_TO_START
    while time.monotonic() < end and all(process.poll() is None for process in processes):
        with contextlib.suppress(OSError), socket.create_connection(("localhost", port), timeout=5):
            return True
        time.sleep(0.2)
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
