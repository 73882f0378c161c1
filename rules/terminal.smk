# Tells the display of the run what Snakemake's events do not contain (profiles/default, `logger`).


include: "functions/terminal.smk"


# The stage of a rule is the file that defines it. The target rules in the Snakefile have no jobs to show.
STAGE_OF = {rule.name: Path(rule.snakefile).stem for rule in workflow.rules}

for _handler in displays():
    _handler.watch(STAGE_OF, jobs_by_kind)
