"""The logger plugin of this workflow (`logger: artistid` in profiles/default).

Snakemake imports this package in each of its processes, before it knows whether it will be used.
So slow imports wait until a run starts.
"""

import sys
from collections.abc import Callable, Mapping
from logging import LogRecord
from typing import TYPE_CHECKING

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

if TYPE_CHECKING:
    from snakemake_logger_plugin_artistid.run import Run


class LogHandler(LogHandlerBase):
    """Shows a run by its stages, and leaves everything else (`-n`, `--dag`) to Snakemake.

    With `--quiet` or `--verbose`, Snakemake shows the run too, and the jobs print to the terminal.
    """

    writes_to_stream = True
    writes_to_file = False
    has_filter = True
    has_formatter = True
    needs_rulegraph = False

    def __post_init__(self) -> None:
        from snakemake.logging import ColorizingTextHandler, DefaultFilter, DefaultFormatter
        from snakemake.settings.enums import Quietness

        common = self.common_settings
        # With --quiet, the user asks for the rest of what Snakemake says.
        asked = common.quiet or common.verbose or common.debug_dag
        self._shows_run = not (asked or common.dryrun)
        quiet = common.quiet if asked else {Quietness.RULES}  # of a dry run, the number of jobs
        self._snakemake = ColorizingTextHandler(
            nocolor=common.nocolor,
            stream=sys.stdout if common.stdout else sys.stderr,
            formatter=DefaultFormatter(quiet, common.show_failed_logs),
            filter=DefaultFilter(
                quiet, common.debug_dag, common.verbose, common.dryrun, common.printshellcmds
            ),
        )
        self._run: Run | None = None
        self._stage_of: Mapping[str, str] = {}
        self._jobs: Callable[[], tuple[Mapping[tuple[str, str], int], bool]] = lambda: ({}, False)
        if self._shows_run:
            from artistid.jobs.lifetime import show_jobs

            show_jobs()

    def watch(
        self,
        stage_of: Mapping[str, str],
        jobs: Callable[[], tuple[Mapping[tuple[str, str], int], bool]],
    ) -> None:
        """Accept what only the Snakefile knows, because no event contains it.

        Args:
            stage_of: the stage of each rule.
            jobs: returns the number of jobs by rule and model, and whether more may follow.
        """
        self._stage_of, self._jobs = stage_of, jobs

    def _start(self) -> None:
        from snakemake_logger_plugin_artistid.run import Run

        self._run = Run(self._stage_of, self._jobs, self._snakemake)

    def emit(self, record: LogRecord) -> None:
        """Show a log record, or update the display of the run from it."""
        try:
            if self._run is not None:
                self._run.take(record)
            elif self._shows_run and getattr(record, "event", None) == LogEvent.WORKFLOW_STARTED:
                self._start()
            else:
                self._snakemake.handle(record)
        except Exception:
            self.handleError(record)

    def flush(self) -> None:
        """End the display, if there is one, so that others can use the terminal."""
        if self._run is not None:
            self._run.end()

    def close(self) -> None:
        """End the display."""
        self.flush()
        super().close()
