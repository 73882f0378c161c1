"""Name the artists of some recordings."""

from pathlib import Path

from artistid.jobs.devices import check_cuda, take_device
from artistid.jobs.logs import job_log
from artistid.prediction.listing import answers_of
from artistid.prediction.output import json_line
from artistid.prediction.package import needs_torch, read_package
from artistid.storage.files import read_rows, write_text

with job_log(snakemake.log[0], f"predict {snakemake.wildcards.number}") as log:
    own = None
    if snakemake.resources.gpu:
        # Before torch asks for devices; importing it does not.
        own = take_device(snakemake.resources.jobs_per_device, report=log.info)
        if own:
            check_cuda(own)
    folder = Path(snakemake.config["predict"]["folder"]).expanduser()
    rows = read_rows(snakemake.input.files)
    packages = [read_package(Path(model)) for model in snakemake.input.models]
    if any(map(needs_torch, packages)):
        import torch

        torch.set_num_threads(snakemake.threads)
    answers = answers_of(packages, folder, rows, "cuda" if own else "cpu", log)
    lines = [json_line(answer) for answer in answers]
    write_text(snakemake.output.answers, "".join(f"{line}\n" for line in lines))
