"""Build in a copy of the file that people read, and serve the copy once it is complete.

  warehouse/<input>/warehouse.duckdb             served: what people and BI tools read
  warehouse/<input>/building/warehouse.duckdb    a build that runs, or the last one that failed
  warehouse/<input>/building/lock                held by the build that runs
  warehouse/<input>/building/process             the process id of the last build

A build changes only the copy. At its end it renames the copy onto the served file, in one step.
So a build that fails, is killed or meets a full disk changes nothing that is served. A program that
has the old file open keeps reading it, and a program that opens the file later reads the new one.
The log of deliveries is part of the file, so the next build loads again what a failed one loaded.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb
from filelock import FileLock, Timeout
from load.errors import WarehouseError, first_line

FOLDER_NAME = "building"
LOCK_NAME = "lock"
PROCESS_NAME = "process"
# a file of this name makes the next build begin without the rows that are served
START_ANEW_NAME = "start_anew"
BLOCK_SIZE = 1 << 24
# DuckDB begins a file with three headers; each checkpoint writes one of them
HEADERS_SIZE = 3 * 4096
# what a file system raises that cannot copy by itself
CANNOT_COPY = {errno.EXDEV, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP}
DISK_FULL = [os.strerror(code) for code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)]


def building_folder(served: Path) -> Path:
    """The folder in which builds of a served file work."""
    return served.parent / FOLDER_NAME


def working_file(served: Path) -> Path:
    """The copy in which a build works. It keeps the name, because dbt names the database by it."""
    return building_folder(served) / served.name


@contextmanager
def only_build(served: Path) -> Iterator[None]:
    """Keep other builds of this file away, and make the folder that builds work in.

    Raises WarehouseError if another build runs, if the folder cannot be written, and in place of
    any error that a full disk caused inside.
    """
    folder = building_folder(served)
    try:
        with locked(served):
            # a full disk must not keep a build from removing the copy that a killed one left
            with suppress(OSError):
                (folder / PROCESS_NAME).write_text(str(os.getpid()), encoding="utf-8")
            yield
    except Exception as error:
        sign = next((sign for sign in DISK_FULL if sign in str(error)), None)
        if sign is None:
            raise
        raise WarehouseError(
            f"There is no room for a build in {folder} ({sign}). A build needs a second file as "
            "large as the warehouse and the new rows. Make room, or name a folder on a larger disk "
            "with --warehouses, and build again. The served warehouse has not changed."
        ) from error


def locked(served: Path) -> AbstractContextManager[FileLock]:
    """The lock of a served file, held until its context ends; see only_build for what is raised."""
    folder = building_folder(served)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return FileLock(folder / LOCK_NAME, blocking=False).acquire()
    except Timeout as error:
        raise WarehouseError(
            f"Another build of {served} is running (process {read_process(folder)}); wait for "
            "its end and build again."
        ) from error
    except OSError as error:
        if is_disk_full(error):
            raise
        raise WarehouseError(
            f"The folder {folder} cannot be written ({error.strerror}: {error.filename}); move "
            "what stands in its way, let this user write there, or name another folder with "
            "--warehouses."
        ) from error


def read_process(folder: Path) -> str:
    """The process id of the build that holds the lock, as far as it is known."""
    try:
        return (folder / PROCESS_NAME).read_text(encoding="utf-8") or "unknown"
    except OSError:
        return "unknown"


def start_anew(served: Path) -> None:
    """Let the next build begin with an empty file; the served one stays until that succeeds."""
    (building_folder(served) / START_ANEW_NAME).touch()


@dataclass(frozen=True)
class FileState:
    """What changes whenever a DuckDB file is written or replaced, read without opening it."""

    inode: int
    size: int
    modified_ns: int
    headers: str

    @classmethod
    def of(cls, path: Path) -> FileState:
        """The state of a file."""
        found = path.stat()
        with path.open("rb") as file:
            headers = hashlib.sha256(file.read(HEADERS_SIZE)).hexdigest()
        return cls(found.st_ino, found.st_size, found.st_mtime_ns, headers)


@dataclass(frozen=True)
class Copy:
    """The copy that a build works in. begun_with is the served file that it was made from."""

    served: Path
    working: Path
    begun_with: FileState | None

    def serve(self) -> FileState:
        """Rename the copy onto the served file, and return the state of what is served now.

        Nobody may have the copy open. Raises WarehouseError if the copy is not complete, or if
        another program has written the served file since the copy was made.
        """
        flush(self.working)
        state = FileState.of(self.working)
        replace_served(self.working, self.served, self.begun_with)
        return state

    def discard(self) -> None:
        """Remove the copy, because it holds nothing new."""
        remove(self.working)


@contextmanager
def blue_green(served: Path) -> Iterator[Copy]:
    """A copy of the served file to build in; the build ends by serving or discarding it.

    Enter it inside only_build. After a failure the copy stays until the next build, so that a
    person can look at the rejected rows; after a full disk it is removed. Raises WarehouseError if
    the served file cannot be read.
    """
    working = working_file(served)
    try:
        remove(working)
        yield Copy(served, working, copy_served(served, working))
    except BaseException as error:
        if is_disk_full(error):
            remove(working)
        raise


def copy_served(served: Path, working: Path) -> FileState | None:
    """Copy the served file, unless the build starts anew; its state, or none if there is none."""
    if not served.exists():
        return None
    with reading(served):
        if not (working.parent / START_ANEW_NAME).exists():
            copy_file(served, working)
        return FileState.of(served)


def replace_served(working: Path, served: Path, begun_with: FileState | None) -> None:
    """Rename the working file onto the served one, unless that has changed since."""
    if begun_with is None:
        if served.exists():
            raise changed_meanwhile(served)
        # the log of a warehouse that a person removed would make the new one unreadable
        log_file(served).unlink(missing_ok=True)
        working.replace(served)
    else:
        # nobody can begin to write the file while it is open for reading
        with reading(served):
            if FileState.of(served) != begun_with:
                raise changed_meanwhile(served)
            working.replace(served)
    synchronise(served.parent)
    (working.parent / START_ANEW_NAME).unlink(missing_ok=True)


def changed_meanwhile(served: Path) -> WarehouseError:
    """The error for a served file that another program wrote during a build."""
    return WarehouseError(
        f"Another program has written {served} during the build, and replacing the file would lose "
        "that. Nothing was replaced; build again."
    )


@contextmanager
def reading(served: Path) -> Iterator[None]:
    """Hold the served file open for reading: other readers may join, writers may not."""
    log = log_file(served)
    try:
        if log.exists():
            # a program was killed after a commit: opening the file brings the log into it
            duckdb.connect(str(served)).close()
        connection = duckdb.connect(str(served), read_only=True)
    except duckdb.Error as error:
        if is_disk_full(error):
            raise
        readers = f" (for reading too, as long as there is {log.name})" if log.exists() else ""
        raise WarehouseError(
            f"The warehouse {served} cannot be read; close the programs that have it open for "
            f"writing{readers}, or move it away if it is broken: {first_line(error)}."
        ) from error
    with connection:
        yield


def flush(working: Path) -> None:
    """Bring the log of a file into it, and the file onto the disk."""
    with duckdb.connect(str(working)) as connection:
        connection.execute("force checkpoint")
    if log_file(working).exists():
        raise WarehouseError(
            f"{working} is not complete: {log_file(working).name} is left; build again."
        )
    synchronise(working)


def copy_file(source: Path, target: Path) -> None:
    """Copy a file; file systems that can (Btrfs, XFS) share its blocks, which takes no time."""
    with source.open("rb") as reader, target.open("wb") as writer:
        if not copied_by_file_system(reader.fileno(), writer.fileno()):
            shutil.copyfileobj(reader, writer, BLOCK_SIZE)
    # whoever may read the one may read the other
    shutil.copymode(source, target)


def copied_by_file_system(reader: int, writer: int) -> bool:
    """Copy an open file without reading it; false if that is not possible (macOS, old Linux)."""
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
        if error.errno not in CANNOT_COPY:
            raise
        return False
    return True


def synchronise(path: Path) -> None:
    """Wait until a file or a folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def log_file(path: Path) -> Path:
    """The file in which DuckDB keeps what is committed and not yet in the warehouse file."""
    return path.with_name(path.name + ".wal")


def remove(path: Path) -> None:
    """Remove a warehouse file with its log and what DuckDB moved out of memory for it."""
    path.unlink(missing_ok=True)
    log_file(path).unlink(missing_ok=True)
    shutil.rmtree(path.with_name(path.name + ".tmp"), ignore_errors=True)


def is_disk_full(error: BaseException) -> bool:
    """Whether an error comes from a full disk, a quota or a limit on the size of a file."""
    return any(sign in str(error) for sign in DISK_FULL)
