"""Times as people say them."""


def minutes_in_words(minutes: float) -> str:
    """Return a time that is not known to the second."""
    if minutes < 1:
        return "less than a minute"
    if minutes < 120:
        return f"{minutes:.0f} min"
    return f"{minutes / 60:.0f} hours" if minutes < 48 * 60 else f"{minutes / 60 / 24:.0f} days"


def left_in_words(seconds: float) -> str:
    """Return about how long something still takes."""
    about = "" if seconds < 60 else "about "
    return f"{about}{minutes_in_words(seconds / 60)} left"


def seconds_in_words(seconds: float) -> str:
    """Return a time that has passed."""
    return f"{seconds:.0f} s" if seconds < 60 else minutes_in_words(seconds / 60)
