"""The words that the types do not have (`words.toml`), and the codes that the native API answers."""

import tomllib
from pathlib import Path
from typing import Any

from leadrail.api.problems import STATUS, WIRE_CODES
from leadrail.core.errors import Code

WORDS: dict[str, Any] = tomllib.loads(Path(__file__).with_name("words.toml").read_text("utf-8"))

# Another company's channel is answered as one that does not exist, so its code is never seen here.
CODES: dict[str, int] = {code.value: status for code, status in STATUS.items() if code is not Code.CHANNEL_FORBIDDEN}
CODES |= WIRE_CODES
"""Every code with its HTTP status."""
