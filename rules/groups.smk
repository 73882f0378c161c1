# How jobs are put into groups, which a cluster's profile asks for: a repair of Snakemake 9.27.
#
# Snakemake makes the groups anew whenever it has evaluated a checkpoint, out of the groups that it
# merged before, running ones included. So a workflow that was started again after the scan, or went
# on after the choice of the follow-up, submitted jobs several times, and too many at once (Snakemake's
# issues 1217 and 1628). Here groups are made of single jobs each time, and those that run stay.

from snakemake.dag import DAG

_snakemake_update_groups = DAG.update_groups
_snakemake_update_components = DAG._update_group_components


def update_groups(dag):
    """Make the groups of all jobs that are to run, without those of an earlier time."""
    if dag.workflow.group_settings.group_components:
        dag.group_job_factory.cache.clear()
    _snakemake_update_groups(dag)


def update_group_components(dag):
    """Merge as many groups as `group-components` says, without the running ones."""
    groups = [group for group in dag._running if group.is_group()]
    running = {job: group for group in groups for job in group if job in dag._group}
    dag._group = {job: group for job, group in dag._group.items() if job not in running}
    _snakemake_update_components(dag)
    dag._group |= running


DAG.update_groups = update_groups
DAG._update_group_components = update_group_components
