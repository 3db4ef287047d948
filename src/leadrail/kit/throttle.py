"""A limit on how often one caller may call, kept in this process's memory."""

import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import ip_address, ip_network


class Throttle:
    """Lets each caller through `burst` times at once and `per_minute` times a minute in the long run.

    Remembers at most `capacity` callers, the busiest lately; one that is forgotten begins anew.
    """

    def __init__(
        self, per_minute: float, burst: int, *, capacity: int = 50_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._interval = 60 / per_minute
        self._tolerance = self._interval * (burst - 1)
        self._capacity, self._clock = capacity, clock
        # When each caller's next call would be due if it called evenly (GCRA): one number a caller is all there is.
        self._due: OrderedDict[str, float] = OrderedDict()

    def wait_s(self, caller: str) -> float:
        """0.0 when the caller may go on, and the call then counts; else after how many seconds to try again."""
        now = self._clock()
        due = max(self._due.get(caller, now), now)
        if (early := due - self._tolerance - now) > 0:
            return early
        self._due[caller] = due + self._interval
        self._due.move_to_end(caller)
        if len(self._due) > self._capacity:
            self._due.popitem(last=False)
        return 0.0


def household(address: str) -> str:
    """Whom an address stands for: an IPv4 address itself, of an IPv6 address the /64 that one subscriber has."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    mapped = parsed.ipv4_mapped if parsed.version == 6 else None
    if parsed.version == 4 or mapped is not None:
        return str(mapped or parsed)
    return str(ip_network((parsed, 64), strict=False))
