"""What can be wrong with the embedded database, in plain words, and what to do about it."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SHOWN_LINES = 12

ADVICE = {
    errno.ENOSPC: "the disk is full; free some space and start again",
    errno.EDQUOT: "the disk quota is used up; free some space and start again",
    errno.EROFS: "the disk is read-only; mount it for writing, or choose another folder (LEADRAIL_DATA_DIR)",
    errno.EACCES: "no permission; start Leadrail as the owner, or choose another folder (LEADRAIL_DATA_DIR)",
    errno.EPERM: "no permission; start Leadrail as the owner, or choose another folder (LEADRAIL_DATA_DIR)",
    errno.EEXIST: "this is a file, not a folder; choose another folder (LEADRAIL_DATA_DIR)",
    errno.ENOTDIR: "a part of this path is a file; choose another folder (LEADRAIL_DATA_DIR)",
}
LAST_WORDS = {os.strerror(number): advice for number, advice in ADVICE.items()} | {
    "configuration parameter": "a database setting has an unknown name; mend or remove it",
    "for parameter": "a database setting has a wrong value; mend or remove it",
    "could not map anonymous shared memory": "too little memory is free; lower shared_buffers",
    "Is another postmaster": "a PostgreSQL that Leadrail did not start runs on this folder; stop it",
}


class EmbeddedError(Exception):
    """The embedded database cannot do what was asked; the text says why and what to do."""


@contextmanager
def plain_words(folder: Path) -> Iterator[None]:
    """Tells an operating system error about this folder as an EmbeddedError."""
    try:
        yield
    except OSError as error:
        advice = ADVICE.get(error.errno or 0, "see the cause")
        raise EmbeddedError(f"The data folder {folder} cannot be used: {advice} ({error}).") from error


def refusal(folder: Path, last_words: str) -> EmbeddedError:
    """The error for a program of PostgreSQL that ended by itself while it should start."""
    advice = next((advice for words, advice in LAST_WORDS.items() if words in last_words), "see its last words")
    lines = "\n".join(f"  {line}" for line in last_words.strip().splitlines()[-SHOWN_LINES:])
    return EmbeddedError(f"PostgreSQL did not start in {folder}: {advice}. Its last words:\n{lines}")
