"""The times at which a guest may say they will be at the door. They are a kindness to the house, and bind nobody."""

_MINUTES_OF_DAY = 24 * 60
_STEP = 30


def arrival_times(check_in_from: str) -> tuple[str, ...]:
    """Each half hour of the evening from the house's check-in time on: ("15:00", "15:30", ... "23:30")."""
    hours, _, minutes = check_in_from.partition(":")
    first = int(hours) * 60 + int(minutes or 0)
    return tuple(f"{at // 60:02}:{at % 60:02}" for at in range(first, _MINUTES_OF_DAY, _STEP))
