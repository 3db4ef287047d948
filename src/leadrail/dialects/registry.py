"""The dialects in one list: adding a fifth is copying a folder and adding a line."""

from collections.abc import Callable

from leadrail.core.core import Core
from leadrail.core.erasure import Eraser
from leadrail.dialects import capillary, keenpartner, octanist, sendpilot
from leadrail.kit.http import Face

DIALECTS: dict[str, Callable[[Core], Face]] = {
    "/keenpartner": keenpartner.face,
    "/sendpilot": sendpilot.face,
    "/octanist": octanist.face,
    "/capillary": capillary.face,
}
"""The prefix that a client puts in its base URL, and what serves below it."""

ERASERS: tuple[Eraser, ...] = (capillary.erase,)
"""What dialects do about an erased person in tables of their own."""
