"""Put the answers of all jobs into a table, and the best artists of each file into JSON."""

from pathlib import Path

from artistid.jobs.logs import job_log
from artistid.prediction.listing import read_answers
from artistid.prediction.output import answer_columns, answer_row, best_by_name
from artistid.storage.files import write_json, write_rows

with job_log(snakemake.log[0], "answers") as log:
    top, output = snakemake.params.top, snakemake.output
    found = [answer for path in snakemake.input.answers for answer in read_answers(Path(path))]
    good = [answer for answer in found if "error" not in answer]
    n_artists = max((len(answer["classes"]) for answer in good), default=0)
    rows = [answer_row(answer, top) for answer in found]
    write_rows(output.table, rows, answer_columns(n_artists, top))
    best, twice = best_by_name(good, top)
    write_json(output.best, best)
    if twice:
        log.warning(
            "several files are named %s, so they are listed by their paths", ", ".join(twice)
        )
    log.info("%d of %d files were used; best artists: %s", len(good), len(found), output.best)
