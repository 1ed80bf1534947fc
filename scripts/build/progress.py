"""Movement while a command works: a bar on a terminal, elsewhere a line now and then.

A command prints its first line with this module before it imports what takes seconds (dbt, DuckDB).
"""

from __future__ import annotations

from threading import Event, Thread
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

# seconds between two lines of the same step, where there is no terminal
LINE_INTERVAL = 10.0


def make_progress(console: Console) -> Progress:
    """A progress that moves from entering its context until leaving it."""
    if not console.is_terminal:
        return ProgressInLines(console)
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description:<48}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )


class ProgressInLines(Progress):
    """Progress for a pipe or a log: a line when a step begins, and one every LINE_INTERVAL."""

    def __init__(self, console: Console, interval: float = LINE_INTERVAL) -> None:
        """Prepare the lines; interval in seconds."""
        super().__init__(console=console, disable=True)
        self.interval = interval
        self.is_over = Event()
        self.printer = Thread(target=self.print_lines, daemon=True)

    def start(self) -> None:
        """Begin to print."""
        self.printer.start()

    def stop(self) -> None:
        """Print no more."""
        self.is_over.set()

    def add_task(self, description: str, *arguments: Any, **options: Any) -> TaskID:
        """Begin a step."""
        task = super().add_task(description, *arguments, **options)
        self.print_step(self.tasks[-1])
        return task

    def print_lines(self) -> None:
        """Print the step that runs, until it is over."""
        while not self.is_over.wait(self.interval):
            running = [task for task in self.tasks if not task.finished]
            if running:
                self.print_step(running[-1])

    def print_step(self, task: Task) -> None:
        """Print a line for a step."""
        parts = [] if task.total is None else [f"{task.completed:.0f} of {task.total:.0f}"]
        if task.elapsed is not None and task.elapsed >= 1:
            parts.append(f"{task.elapsed:.0f} s")
        line = f"{task.description} ({', '.join(parts)})" if parts else task.description
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)
