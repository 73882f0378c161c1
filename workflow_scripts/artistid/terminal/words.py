"""Times in words."""


def minutes_in_words(minutes: float) -> str:
    """Return a rough time in words."""
    if minutes < 1:
        return "less than a minute"
    if minutes < 120:
        return f"{minutes:.0f} min"
    return f"{minutes / 60:.0f} hours" if minutes < 48 * 60 else f"{minutes / 60 / 24:.0f} days"


def left_in_words(seconds: float) -> str:
    """Return an estimated remaining time in words."""
    about = "" if seconds < 60 else "about "
    return f"{about}{minutes_in_words(seconds / 60)} left"


def seconds_in_words(seconds: float) -> str:
    """Return an elapsed time in words."""
    return f"{seconds:.0f} s" if seconds < 60 else minutes_in_words(seconds / 60)
