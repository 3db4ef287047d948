"""One line in the log when the database goes away and one when it is back, however often it is asked in between."""

import logging

log = logging.getLogger(__name__)


class Outage:
    def __init__(self) -> None:
        self._is_on = False

    def note(self, error: BaseException) -> None:
        if not self._is_on:
            log.warning("the database is away; webhooks wait until it is back: %r", error)
        self._is_on = True

    def end(self) -> None:
        if self._is_on:
            log.info("the database is back; webhooks go out again")
        self._is_on = False
