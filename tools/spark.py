"""Runs a command beside a Spark cluster on this machine that runs Beam pipelines; nothing of it is left afterwards.

    python tools/spark.py python -m pytest -m spark tests/spark

Needs Java 17 (or 11), Maven, which fetches the jars into build/spark once, unshare and ip. The cluster is a master, two
pods of a worker with a core and a pool of Python workers each, and Beam's job server (tools/cluster.py). The command
finds the options of `tfx-automl run` that reach it in the variable TFX_AUTOML_SPARK, as JSON. Logs lie in
build/spark/logs, those of executors in build/spark/tmp.

Exit status: the command's own; 77 where a cluster cannot be had; 1 where it does not start.
"""

import subprocess
import sys
import zipfile

import cluster

MASTER_PORT, STATE_PORT = 7077, 8080
MASTER = f"spark://{cluster.HOST}:{MASTER_PORT}"
# Spark and Beam reach into these on Java 17; Spark opens them by itself in its executors.
OPENED = ["java.lang", "java.lang.invoke", "java.lang.reflect", "java.io", "java.net", "java.nio", "java.time"]
OPENED += ["java.util", "java.util.concurrent", "java.util.concurrent.atomic"]
OPENED += ["sun.nio.ch", "sun.nio.cs", "sun.security.action", "sun.util.calendar"]
JAVA = [*cluster.JAVA, "-Xmx640m", *(f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in OPENED)]
DEPLOY = "org.apache.spark.deploy"
JOB_SERVER = "org.apache.beam.runners.spark.SparkJobServerDriver"
# Every executor fetches every jar of the job server's class path for every job, 300 MB in half a minute, although they
# are all there; unless something else is to be fetched.
EMPTY_JAR = cluster.ROOT / "build/spark/conf/empty.jar"


def start_cluster() -> list[subprocess.Popen[bytes]]:
    """Starts all its processes, each with a log of its own."""
    with zipfile.ZipFile(EMPTY_JAR, "w") as jar:
        jar.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n")
    java = [*JAVA, "-cp", f"{SPARK.jars}/*"]
    home = {
        "SPARK_HOME": str(SPARK.folder),
        "SPARK_SCALA_VERSION": "2.12",
        "SPARK_LOCAL_DIRS": str(SPARK.folder / "tmp"),
    }
    master = [f"{DEPLOY}.master.Master", "--host", cluster.HOST, "--port", str(MASTER_PORT)]
    settings = [f"-Dspark.{name}={value}" for name, value in driver_settings().items()]
    programs = {
        "master": [*java, *master, "--webui-port", str(STATE_PORT)],
        "jobserver": [*java, *settings, JOB_SERVER, f"--spark-master-url={MASTER}", *cluster.JOB_SERVER_PORTS],
    }
    processes = [cluster.start(SPARK.folder, name, words, **home) for name, words in programs.items()]
    worker = [*java, f"{DEPLOY}.worker.Worker", "--cores", "1", "--memory", "1g"]
    worker += ["--work-dir", str(SPARK.folder / "tmp"), MASTER, "--host"]
    return processes + cluster.start_pods(SPARK.folder, lambda address: [*worker, address], **home)


def driver_settings() -> dict[str, object]:
    """Returns what Spark's settings, less their prefix, say for the driver, which is within the job server."""
    return {
        "driver.host": cluster.HOST,
        "driver.bindAddress": cluster.HOST,
        "ui.enabled": "false",
        "executor.memory": "640m",
    }


SPARK = cluster.Engine(
    title="Spark",
    megabytes=300,
    options={"beam_runner": "spark", "beam_option": [f"files_to_stage={EMPTY_JAR}"]},
    start=start_cluster,
    workers=lambda: int(cluster.ask(f"http://{cluster.HOST}:{STATE_PORT}/json/")["aliveworkers"]),
)


if __name__ == "__main__":
    sys.exit(cluster.main(SPARK, __file__, sys.argv[1:]))
