"""Build beside the file that people read, and put the new one in its place when it is whole.

  warehouse/<input>/warehouse.duckdb             served: what people and BI tools read
  warehouse/<input>/building/warehouse.duckdb    a build under way, or the last one that failed
  warehouse/<input>/building/lock                held by the build that runs

A build works on a copy of the served file. Renaming the copy onto it is the only thing that ever
happens to the served file, and happens at once: a build that fails, is killed or meets a full disk
has touched nothing, who has the old file open keeps reading it, and who opens it later reads the
new one. The log of deliveries is part of the file, so that what a failed build had loaded is
loaded again by the next.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import duckdb
from load.errors import WarehouseError, first_line

FOLDER_NAME = "building"
LOCK_NAME = "lock"
# stands in the folder when the next build must not begin with the rows that are served
ANEW_NAME = "starts_anew"
BLOCK_SIZE = 1 << 24
# a copy by the file system, which may share the blocks; what is raised where it has no such thing
NOT_COPIED = {errno.EXDEV, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP}
DISK_FULL = [os.strerror(code) for code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)]


def working_file(served: Path) -> Path:
    """Where the file that replaces a served one is built; dbt names the database by the stem."""
    return served.parent / FOLDER_NAME / served.name


@contextmanager
def only_build(served: Path) -> Iterator[None]:
    """Keep other builds of this file away, and make the folder that builds work in.

    Raises WarehouseError where another build runs, where the folder cannot be written, and in
    place of whatever a full disk made go wrong inside.
    """
    folder = working_file(served).parent
    try:
        with lock_file(folder) as lock:
            take(lock, served)
            yield
    except Exception as error:
        sign = next((sign for sign in DISK_FULL if sign in str(error)), None)
        if sign is None:
            raise
        raise WarehouseError(
            f"There is no room for a build in {folder} ({sign}), which needs a second file as "
            "large as the warehouse and what is new: make room, or name a folder on a larger disk "
            "with --warehouses, and build again; what was served is served still."
        ) from error


def lock_file(folder: Path) -> IO[str]:
    """The open lock file of a folder, both made where they are missing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return (folder / LOCK_NAME).open("a+", encoding="utf-8")
    except OSError as error:
        if is_disk_full(error):
            raise
        raise WarehouseError(
            f"The folder {folder} cannot be written ({error.strerror}: {error.filename}); move "
            "what stands in its way, let this user write there, or name another folder with "
            "--warehouses."
        ) from error


def take(lock: IO[str], served: Path) -> None:
    """Lock an open file for as long as it is open, and leave in it which process does."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.seek(0)
        raise WarehouseError(
            f"Another build of {served} is running (process {lock.read() or 'unknown'}); wait for "
            "its end and build again."
        ) from error
    lock.truncate(0)
    # where the disk is full, the copy that a killed build left must still be found and removed
    with suppress(OSError):
        os.write(lock.fileno(), str(os.getpid()).encode())


def start_anew(served: Path) -> None:
    """Let the next build begin with nothing; what is served stays until that build succeeds."""
    (working_file(served).parent / ANEW_NAME).touch()


@contextmanager
def built_blue_green(served: Path) -> Iterator[Path]:
    """A copy of the served file to build in, which replaces it when the context ends well.

    To be entered inside only_build, and left with the copy closed. A failure leaves the copy for
    looking at what was rejected, until the next build; a full disk does not, as room is what is
    missing. Raises WarehouseError where the served file cannot be copied or replaced.
    """
    working = working_file(served)
    try:
        remove(working)
        begun_with = copy_served(served, working)
        yield working
        write_down(working)
        put_in_place(working, served, begun_with)
    except BaseException as error:
        if is_disk_full(error):
            remove(working)
        raise


def copy_served(served: Path, working: Path) -> tuple[int, ...] | None:
    """Copy the served file and return its version; none where the build begins with nothing."""
    if not served.exists():
        return None
    with reading(served):
        if not (working.parent / ANEW_NAME).exists():
            copy_file(served, working)
        return version(served)


def put_in_place(working: Path, served: Path, begun_with: tuple[int, ...] | None) -> None:
    """Rename the working file onto the served one, unless that has changed since."""
    if begun_with is None:
        if served.exists():
            raise changed_meanwhile(served)
        # one that was left when its warehouse was removed would make the new one unreadable
        log_file(served).unlink(missing_ok=True)
        working.replace(served)
    else:
        # as long as it is being read, no one can begin to write into it
        with reading(served):
            if version(served) != begun_with:
                raise changed_meanwhile(served)
            working.replace(served)
    synchronise(served.parent)
    (working.parent / ANEW_NAME).unlink(missing_ok=True)


def changed_meanwhile(served: Path) -> WarehouseError:
    """The error for a served file that someone else wrote while a build was under way."""
    return WarehouseError(
        f"Another program has written {served} during the build, which would be lost; nothing was "
        "replaced, build again."
    )


@contextmanager
def reading(served: Path) -> Iterator[None]:
    """Hold the served file open for reading, as many can, so that no other process writes it."""
    log = log_file(served)
    try:
        if log.exists():
            # a command on the served file itself was cut off: what it had committed belongs to it
            duckdb.connect(str(served)).close()
        connection = duckdb.connect(str(served), read_only=True)
    except duckdb.Error as error:
        if is_disk_full(error):
            raise
        readers = f" (for reading too, as long as there is {log.name})" if log.exists() else ""
        raise WarehouseError(
            f"The warehouse {served} cannot be read; close the programs that have it open for "
            f"writing{readers}, or move it away where it is broken: {first_line(error)}."
        ) from error
    with connection:
        yield


def write_down(working: Path) -> None:
    """Bring all of the working file into the one file, and that onto the disk."""
    with duckdb.connect(str(working)) as connection:
        connection.execute("force checkpoint")
    if log_file(working).exists():
        raise WarehouseError(
            f"{working} is not whole: {log_file(working).name} is left; build again."
        )
    synchronise(working)


def copy_file(source: Path, target: Path) -> None:
    """Copy a file; the blocks are shared where the file system can do that (Btrfs, XFS)."""
    with source.open("rb") as reader, target.open("wb") as writer:
        if not copied_by_file_system(reader.fileno(), writer.fileno()):
            shutil.copyfileobj(reader, writer, BLOCK_SIZE)
    # who may read the one may read the other
    shutil.copymode(source, target)


def copied_by_file_system(reader: int, writer: int) -> bool:
    """Copy an open file without reading it; false where that is not possible (macOS, old Linux)."""
    if not hasattr(os, "copy_file_range"):
        return False
    size, done = os.fstat(reader).st_size, 0
    try:
        while done < size:
            copied = os.copy_file_range(reader, writer, size - done, done, done)
            if copied == 0:
                return False
            done += copied
    except OSError as error:
        if error.errno not in NOT_COPIED:
            raise
        return False
    return True


def synchronise(path: Path) -> None:
    """See that a file or a folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def version(path: Path) -> tuple[int, ...]:
    """What tells one state of a file from another without reading it."""
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def log_file(path: Path) -> Path:
    """Where DuckDB keeps what it has committed and not yet written into a file."""
    return path.with_name(path.name + ".wal")


def remove(path: Path) -> None:
    """Remove a warehouse file with its log and what DuckDB has put aside for it."""
    path.unlink(missing_ok=True)
    log_file(path).unlink(missing_ok=True)
    shutil.rmtree(path.with_name(path.name + ".tmp"), ignore_errors=True)


def is_disk_full(error: BaseException) -> bool:
    """Whether an error comes of a full disk, a quota or a limit on the size of a file."""
    return any(sign in str(error) for sign in DISK_FULL)
