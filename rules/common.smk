# What several stages share: the checked configuration and paths; functions of their inputs are in
# functions/common.smk.

import importlib.util
import os
import re
from dataclasses import replace
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError

# Not workflow.basedir, which is the folder of the including Snakefile.
ROOT = Path(workflow.current_basedir.get_path_or_uri(secret_free=False)).parent
SCRIPTS = ROOT / "workflow_scripts"
# Refuse the library of another copy of the workflow, which would otherwise run unnoticed.
_library = importlib.util.find_spec("artistid")
if not (_library and Path(_library.origin).resolve().is_relative_to(SCRIPTS.resolve())):
    raise WorkflowError(
        f"{_library.origin if _library else 'artistid'}: is not the library of this workflow; run "
        f"`make environment` in {ROOT} and use its .venv, or set PYTHONPATH={SCRIPTS}"
    )

from artistid.corpus.size import corpus_size as size_of
from artistid.errors import InputError
from artistid.experiment import (
    ENSEMBLES,
    by_album,
    by_track,
    candidates,
    first_runs,
    follow_up_runs,
    has_slices,
    kind_of_model,
    models_of_kind,
    networks,
    parts_of,
)
from artistid.features.slices import frames_in_slice
from artistid.jobs.lifetime import mark_workflow
from artistid.models.registry import FRAME_SYSTEMS, NETWORKS, SONG_SYSTEMS
from artistid.plan.computation import code_of
from artistid.plan.config import (
    check_config,
    effective_config,
    model_parameters,
    read_schema,
    reductions,
    with_types,
    without_defaults,
)
from artistid.plan.recorded import write_record
from artistid.plan.shared import check_shared
from artistid.runs import PATH, PATH_OF_ALL_MODELS, PATH_OF_SPLIT, Run, seconds_of_slice
from artistid.splits.definitions import definitions
from artistid.scoring.follow_up import read_choice
from artistid.scoring.predictions import cut_of_all_folds

# Local jobs end with their workflow, so that none is still running when the next one starts.
mark_workflow()

# Snakemake always writes its records here, and fails with a traceback if it cannot.
if not os.access(".snakemake" if Path(".snakemake").exists() else ".", os.W_OK):
    raise WorkflowError(
        f"{os.getcwd()}: cannot be written to; run the workflow in your own folder, "
        "such as a copy of this one"
    )

SCHEMA = read_schema(ROOT / "schemas")
GIVEN = with_types(config, SCHEMA)
try:
    check_config(GIVEN, SCHEMA)
except InputError as error:
    raise WorkflowError(str(error))

REDUCTIONS = reductions(GIVEN)
# Changed in place, so that jobs also see the configuration in force.
config.clear()
config.update(effective_config(GIVEN))

IS_DEMO = config["corpus"]["source"] == "demo"
# What belongs to the corpus, and is shared by its experiments.
CORPUS = f"results/{config['corpus']['name']}"
LOG_MEL = f"{CORPUS}/log_mel/{{album_id}}.h5"
LOG_MEL_INDEX = f"{CORPUS}/log_mel/index.csv"
SPLIT = f"{CORPUS}/splits/{PATH_OF_SPLIT}.csv"
AUDIT = f"{CORPUS}/audit/{PATH_OF_SPLIT}.csv"
# What belongs to the experiment.
EXPERIMENT = f"{CORPUS}/experiments/{config['experiment']['name']}"
CHECK = f"{EXPERIMENT}/check.txt"
LOGS = f"{EXPERIMENT}/logs"
BENCHMARKS = f"{EXPERIMENT}/benchmarks"
FIGURES = f"{EXPERIMENT}/figures"
TABLES_FOLDER = f"{EXPERIMENT}/tables"
RUN = f"{EXPERIMENT}/runs/{PATH}"
REFERENCE = f"{EXPERIMENT}/references/{PATH_OF_ALL_MODELS}"
# The same with a run's attributes for wildcards, for `collect(f"{EACH_RUN}/metrics.csv", run=runs)`.
OF_RUN = {
    name: f"{{run.{name}}}" for name in ("model", "split", "cut", "slice", "seed")
}
EACH_RUN, EACH_REFERENCE = RUN.format(**OF_RUN), REFERENCE.format(**OF_RUN)

if IS_DEMO:
    config["corpus"]["audio_dir"] = f"{CORPUS}/audio"
AUDIO_DIR = Path(config["corpus"]["audio_dir"]).expanduser()
config["corpus"]["audio_dir"] = str(AUDIO_DIR)

SPLITS = definitions(config)
FIRST_RUNS = first_runs(config)
HAS_SLICES = has_slices(config)
HAS_FOLDS = any(split.n_folds for split in SPLITS.values())
HAS_ALBUM_EFFECT = bool(by_track(config) and by_album(config))
LEVELS = ["slice", "song"] if HAS_SLICES else ["song"]
# Only what differs from the defaults, so that a key added by a later version recomputes nothing.
LOG_MEL_PARAMETERS = without_defaults(
    config["log_mel"], SCHEMA["properties"]["log_mel"]
)

if workflow.is_main_process:
    try:
        check_shared(GIVEN, Path(EXPERIMENT))
    except InputError as error:
        raise WorkflowError(str(error))


@cache
def code_of_stage(script_name, *more):
    """Return what tells whether the code of a stage computes something else.

    Args:
        script_name: of a file in workflow_scripts/.
        more: modules that it loads by name.
    """
    try:
        return code_of(script_name, *more)
    except InputError as error:
        raise WorkflowError(str(error))


def code(script_name):
    """Return a function: `code_of_stage`, computed by the jobs that need it alone."""
    return lambda wildcards: code_of_stage(script_name)


def one_of(names):
    """Return the pattern of a wildcard that is one of some names, which may be none."""
    return "|".join(map(re.escape, names)) or "(?!)"


include: "functions/common.smk"
