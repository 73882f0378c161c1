"""What a person sees of a run: progress by stage, warnings, failed jobs, where the results are."""
