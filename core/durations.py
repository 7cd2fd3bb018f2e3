"""Lengths of time as people read them. Lengths are seconds; fractions are dropped and negative ones count as none.

``static/js/app.js`` writes ticking clocks in the same words; change both together.
"""

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def clock(seconds: float, *, is_padded: bool = False) -> str:
    """Minutes and seconds: 1:48, 12:05 or, padded, 01:48. From an hour on as ``words`` with both parts."""
    whole = _whole(seconds)
    if whole >= HOUR:
        return _two_parts(whole)
    minutes, rest = divmod(whole, MINUTE)
    return f"{minutes:02}:{rest:02}" if is_padded else f"{minutes}:{rest:02}"


def words(seconds: float) -> str:
    """The two largest units: 45 s, 38 min, 1 h 12 min, 3 h 04 min, 2 d 4 h; a second unit of none is left out."""
    whole = _whole(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min"
    return _two_parts(whole).removesuffix(" 00 min").removesuffix(" 0 h")


def measured(seconds: float) -> str:
    """As short as it was, as a stopwatch says it: 0.04 s, 0.4 s, 12 s, 2:15 min, then as ``words``."""
    if seconds < 0.1:
        return f"{max(0.0, seconds):.2f} s"
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 2 * MINUTE:
        return f"{_whole(seconds)} s"
    return f"{clock(seconds)} min" if seconds < HOUR else words(seconds)


def _two_parts(whole: int) -> str:
    if whole < DAY:
        return f"{whole // HOUR} h {whole % HOUR // MINUTE:02} min"
    return f"{whole // DAY} d {whole % DAY // HOUR} h"


def _whole(seconds: float) -> int:
    return max(0, int(seconds))
