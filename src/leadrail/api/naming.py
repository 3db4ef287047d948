"""How a body says who is meant: by one identity key, in any spelling."""

from collections.abc import Callable, Mapping

from leadrail.core.blocks.model import BlockKey, BlockKind, domain_key
from leadrail.core.errors import Code, refuse
from leadrail.core.identity import business_key, email_key, linkedin_key, phone_key


def named(given: Mapping[str, str | None], country: str | None) -> BlockKey:
    """The folded key of the one member that is given. Raises Refused (`invalid`) unless it is one and can be read."""
    readers: dict[str, tuple[BlockKind, Callable[[str], str | None]]] = {
        "email": (BlockKind.EMAIL, email_key),
        "phone": (BlockKind.PHONE, lambda text: phone_key(text, country)),
        "linkedin_url": (BlockKind.LINKEDIN, linkedin_key),
        "business_id": (BlockKind.BUSINESS_ID, business_key),
        "domain": (BlockKind.DOMAIN, domain_key),
    }
    wanted = [(name, text) for name, text in given.items() if text is not None]
    if len(wanted) != 1:
        names = [name for name in readers if name in given]
        raise refuse(Code.INVALID, f"Say who is meant: one of {', '.join(names[:-1])} and {names[-1]}", f"/{names[0]}")
    ((name, text),) = wanted
    kind, read = readers[name]
    if not (key := read(text)):
        raise refuse(Code.INVALID, f"{name} cannot be read as one, so no lead is found by it", f"/{name}")
    return kind, key
