# What the terminal is told of a run that Snakemake's events do not say (profiles/default, `logger`).


include: "functions/terminal.smk"


# The stage of a rule is the file that defines it. The targets in the Snakefile make nothing.
STAGE_OF = {rule.name: Path(rule.snakefile).stem for rule in workflow.rules}

for _handler in displays():
    _handler.watch(STAGE_OF, jobs_by_kind)
