# Functions for what a user sees of a run.

import json
import shlex
from collections import Counter

from artistid.storage.files import read_rows
from artistid.terminal.ending import Result, f1_table, where

REPORT = (
    "results/report.html"
    if IS_DEMO
    else f"results/{config['corpus']['name']}_{config['experiment']['name']}.html"
)


def displays():
    """Return the handlers that show a run by its stages; none if another logger is used."""
    handlers = workflow.logger_manager.get_log_handlers()
    return [handler for handler in handlers if hasattr(handler, "watch")]


def jobs_by_kind():
    """Return the number of jobs by rule and model, and whether a checkpoint may add more."""
    jobs = [*workflow.dag.needrun_jobs(), *workflow.dag.finished_jobs]
    kinds = Counter((job.rule.name, job.wildcards.get("model", "")) for job in jobs)
    return kinds, bool(workflow.dag.checkpoint_jobs)


def end_displays():
    """Let the displays finish, and release the terminal for what is printed next."""
    if workflow.logger_manager.queue_listener:
        workflow.logger_manager.queue_listener.queue.join()
    for handler in displays():
        handler.flush()


def print_results():
    """Print what the scan and the audit found, the scores, and where the results are."""
    for path in (f"{CORPUS}/corpus/summary.txt", f"{EXPERIMENT}/audit/summary.txt"):
        if Path(path).exists():
            text = Path(path).read_text(encoding="utf-8", errors="replace")
            print(f"\n{text}", end="")
    if Path(f"{TABLES_FOLDER}/f1_of_songs.csv").exists():
        print(f"\n{scores()}")
        print("\n".join(where(results())))
        print("\nNext:", *what_next(), sep="\n  ")


def scores():
    """Return the table of macro F1."""
    reported = config["experiment"]["report_on"]
    of_slices = [
        row
        for name in ("f1_by_model", "f1_by_slice")
        if name in TABLES
        for row in read_rows(f"{TABLES_FOLDER}/{name}.csv")
    ]
    return f1_table(of_slices, read_rows(f"{TABLES_FOLDER}/f1_of_songs.csv"), reported)


def results():
    """Return the results that a user looks at after a run."""
    of_songs, page = Path(f"{TABLES_FOLDER}/f1_of_songs.csv"), Path(
        LISTENING, "index.html"
    )
    listening = Result("listening page", page, again("listening"), of_songs)
    return [
        Result("tables", Path(TABLES_FOLDER), again("tables")),
        Result("figures", Path(FIGURES), again("figures")),
        Result("report", Path(REPORT), again("--report", REPORT), of_songs),
        *([listening] if HAS_SLICES else []),
    ]


def what_next():
    """Return commands to try next."""
    package = min(Path(EXPERIMENT).glob("runs/**/model.safetensors"), default=None)
    models = (
        f"artistid predict {shlex.quote(str(package))} FILE_OR_FOLDER"
        if package
        else f"{again('models')}  # packages the models for `artistid predict`"
    )
    own_music = "artistid init FOLDER  # looks at your own music"
    return [models, own_music] if IS_DEMO else [models]


def again(*arguments):
    """Return the command that started this run, with other targets."""
    # Cluster runs set no number of cores. These commands are light enough to run locally on one.
    cores = workflow.resource_settings.cores or 1
    command = ["snakemake", "--cores", str(cores), *arguments]
    settings = workflow.config_settings
    if settings.configfiles:
        command += ["--configfile", *map(os.path.relpath, settings.configfiles)]
    if settings.config:
        command += [
            "--config",
            *(f"{k}={json.dumps(v)}" for k, v in settings.config.items()),
        ]
    return shlex.join(command)
