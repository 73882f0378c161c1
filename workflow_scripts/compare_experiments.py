"""Put the scores of all experiments of one corpus side by side."""

from artistid.jobs.logs import job_log
from artistid.tables import experiments
from artistid.tables.reading import read_table
from artistid.tables.rendering import write_csv, write_html, write_markdown

with job_log(snakemake.log[0], "experiments") as log:
    files, output = snakemake.input, snakemake.output
    pairs = zip(files.metrics, files.intervals, strict=True)
    table = experiments.build([(read_table(own), read_table(other)) for own, other in pairs])
    shown = experiments.show(table)
    caption = f"Corpus: {snakemake.params.corpus}. {experiments.CAPTION}"
    write_csv(table, output.csv)
    write_markdown(shown, output.markdown, experiments.TITLE, caption)
    write_html(shown, output.html, experiments.TITLE, caption)
    log.info("%d experiments, %d rows", len(files.metrics), len(table))
