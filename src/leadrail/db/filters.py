"""SQL put together from what a caller wants: the text from constants of ours, the values beside it."""

from typing import Any


class Parameters:
    """The values of a statement in the order in which its text names them."""

    def __init__(self) -> None:
        self.values: list[Any] = []

    def add(self, value: Any, type: str) -> str:
        """The placeholder, typed, that stands for the value in the text."""
        self.values.append(value)
        return f"${len(self.values)}::{type}"


def containing(text: str) -> str:
    """The LIKE pattern of what contains the text, wildcards in it taken as themselves."""
    escaped = text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return f"%{escaped}%"
