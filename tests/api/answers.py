"""What an answer says, checked on the way."""

from typing import Any

import httpx


def refused(answer: httpx.Response) -> tuple[int, str, str | None]:
    """Status, code and field of a problem."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["title"]
    assert body["detail"]
    return answer.status_code, body["code"], body.get("field")


def good(answer: httpx.Response, status: int = 200) -> Any:
    """The body of an answer with this status."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


async def all_pages(http: httpx.AsyncClient, path: str, **query: Any) -> list[Any]:
    """Every row of a list, page by page."""
    rows: list[Any] = []
    cursor: str | None = None
    while True:
        page = good(await http.get(path, params=query | ({"cursor": cursor} if cursor else {})))
        rows += page["data"]
        if (cursor := page["next_cursor"]) is None:
            return rows
