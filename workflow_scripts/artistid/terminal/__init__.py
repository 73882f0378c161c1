"""What a user sees of a run: progress by stage, warnings, failed jobs, where the results are."""
