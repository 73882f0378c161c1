"""Make the tables, each for machines (CSV) and for people (Markdown, HTML)."""

from pathlib import Path

from artistid.jobs.logs import job_log
from artistid.tables.inputs import Inputs
from artistid.tables.registry import load_table
from artistid.tables.rendering import write_csv, write_html, write_markdown

params, files = snakemake.params, snakemake.input
with job_log(snakemake.log[0], "tables") as log:
    inputs = Inputs(
        dict(files.items()),
        params.models,
        params.first_seconds,
        params.dataset,
        params.learning_rates,
        params.architectures,
        params.splits,
        params.keeps_albums,
        params.folds,
        params.reported,
    )
    for name in params.tables:
        module, path = load_table(name), Path(snakemake.output.csv[0]).with_name(name)
        note = module.note(inputs) if hasattr(module, "note") else ""
        caption = f"Corpus: {params.corpus}. {note}{module.CAPTION}"
        for_machines = module.build(inputs)
        for_people = module.show(for_machines)
        write_csv(for_machines, path.with_suffix(".csv"))
        write_markdown(for_people, path.with_suffix(".md"), module.TITLE, caption)
        write_html(for_people, path.with_suffix(".html"), module.TITLE, caption)
    log.info("%d tables written", len(params.tables))
