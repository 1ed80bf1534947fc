"""Run a command without its output; on a terminal, seconds that count show that it goes on.

  python3 scripts/show_wait.py "Installing what is needed" COMMAND ARGUMENT ...

Exits as the command does, and prints its output if it fails. Needs Python and nothing else, as it
runs before anything is installed.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time


def show_wait(message: str, command: list[str]) -> int:
    """Run a command behind a message and return its exit code.

    Raises OSError where the command cannot be started.
    """
    moving = sys.stdout.isatty()
    print(f"{message} ...", end="" if moving else "\n", flush=True)
    begun = time.monotonic()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        while (code := wait(process, seconds=0.5)) is None:
            if moving:
                print(f"\r{message} ... {time.monotonic() - begun:.0f} s", end="", flush=True)
        if moving:
            print()
        if code:
            output.seek(0)
            sys.stderr.write(output.read().decode(errors="replace"))
    return code


def wait(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    """The exit code of a process, or None while it runs after so many seconds."""
    try:
        return process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return None


if __name__ == "__main__":
    try:
        sys.exit(show_wait(sys.argv[1], sys.argv[2:]))
    except KeyboardInterrupt:
        # the command has been interrupted with this one
        sys.exit(130)
