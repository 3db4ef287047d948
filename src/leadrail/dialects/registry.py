"""The dialects in one list: adding a fifth is copying a folder and adding a line."""

from collections.abc import Callable

from leadrail.core.core import Core
from leadrail.dialects import capillary, keenpartner, octanist, sendpilot
from leadrail.kit.http import Face

DIALECTS: dict[str, Callable[[Core], Face]] = {
    **({"/keenpartner": keenpartner.face} if hasattr(keenpartner, "face") else {}),
    **({"/sendpilot": sendpilot.face} if hasattr(sendpilot, "face") else {}),
    **({"/octanist": octanist.face} if hasattr(octanist, "face") else {}),
    **({"/capillary": capillary.face} if hasattr(capillary, "face") else {}),
}
"""The prefix that a client puts in its base URL, and what serves below it."""
