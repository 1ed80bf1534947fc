"""What a validation shows on the terminal: progress while it works, then failures and a summary."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from check.expectations import listed
from check.report import report_paths
from check.results import ExpectationResult, MartResult, Summary, ValidationResult, plural
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table


class ShowProgress:
    """Progress on a terminal: a bar, and above it a line for each mart that is done.

    Elsewhere, such as in a log, each step is a line.
    """

    def __init__(self, console: Console) -> None:
        """Prepare the bar; it moves from entering the context until leaving it."""
        self.console = console
        self.progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description:<48}"),
            BarColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self.task = self.progress.add_task("", total=None)

    def __enter__(self) -> ShowProgress:
        """Start to move."""
        self.progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop to move, and clear the bar."""
        self.progress.stop()

    def expect(self, expectation_count: int) -> None:
        """Set the length of the bar."""
        self.progress.update(self.task, total=expectation_count)

    def show_step(self, text: str) -> None:
        """Say what is done now."""
        self.progress.update(self.task, description=text)
        if not self.console.is_terminal:
            self.console.print(text, soft_wrap=True)

    def show_mart(self, mart: MartResult) -> None:
        """Say that a mart is done."""
        self.progress.advance(self.task, mart.summary.expectation_count)
        if self.console.is_terminal:
            self.console.print(f"{mark(mart.summary)} {mart.mart:<28} [dim]{counts(mart.summary)}")


def mark(summary: Summary) -> str:
    """A coloured sign: all passed, only warnings failed, or a critical expectation failed."""
    if summary.failed_critical_count:
        return "[bold red]✗[/]"
    return "[bold yellow]![/]" if summary.failed_warning_count else "[bold green]✓[/]"


def counts(summary: Summary) -> str:
    """How many expectations passed, and how many failed by severity if any did."""
    text = f"{summary.passed_count} of {summary.expectation_count} expectations passed"
    if summary.failed_critical_count:
        text += f", {summary.failed_critical_count} critical failed"
    if summary.failed_warning_count:
        text += f", {plural(summary.failed_warning_count, 'warning')}"
    return text


def show_result(result: ValidationResult, page: Path, console: Console) -> None:
    """Print the failures with sample rows, how many expectations passed, and the report's files."""
    for failure in result.failures:
        console.print(failure_table(failure), end="\n\n")
    for mart in result.marts_without_expectations:
        console.print(f"[yellow]The mart {escape(mart)} has no expectation file.")
    date = result.as_of_date or "no date, because there are no customers"
    console.print(f"{mark(result.summary)} {counts(result.summary)}, as of {date}", soft_wrap=True)
    page, *others = report_paths(page)
    console.print(
        f"Open {escape(str(page))} in a browser. Other programs read "
        f"{escape(listed(path.name for path in others))} beside it.",
        soft_wrap=True,
    )


def failure_table(failure: ExpectationResult) -> Table:
    """A failed expectation: its name, the sentence, expected and observed values, sample rows."""
    color = "red" if failure.severity == "critical" else "yellow"
    table = Table(
        title=f"[{color}]{failure.severity}[/]  {failure.mart}.{failure.name}",
        title_justify="left",
        title_style="bold",
        show_header=False,
        box=None,
        padding=(0, 2, 0, 0),
    )
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("because", escape(failure.because))
    table.add_row("expected", escape(failure.expected))
    table.add_row("observed", escape(failure.observed))
    for number, row in enumerate(failure.sample.rows):
        cells = zip(failure.sample.columns, row, strict=True)
        text = "  ".join(f"[dim]{column}[/] {escape(cell)}" for column, cell in cells)
        table.add_row("" if number else "for example", text)
    return table
