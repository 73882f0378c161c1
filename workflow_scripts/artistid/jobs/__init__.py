"""What every job does around its work: its log, its device, its end."""
