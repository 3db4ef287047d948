"""Ad spend: read as Octanist has it (contracts/octanist.md, section 7.2), brought in by a call of ours."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import Annotated, Any

import msgspec

from leadrail.core.errors import Code, Refused, refuse
from leadrail.dialects.octanist import store
from leadrail.dialects.octanist.call import Call
from leadrail.dialects.octanist.days import EARLIEST, LATEST, period
from leadrail.dialects.octanist.envelope import paginated, succeeded
from leadrail.dialects.octanist.store import GROUPS, Spend
from leadrail.dialects.octanist.wire import SpendBrought, SpendRequest
from leadrail.kit import money, wire
from leadrail.kit.http import Request, Response
from leadrail.kit.wire import BadInput

DEFAULT_LIMIT, MOST, LAST_PAGE = 100, 500, 1_000_000
MOST_ROWS, BODY_LIMIT = 10_000, 8 << 20
MOST_FAULTS = 100


class _Rows(msgspec.Struct):
    rows: list[dict[str, Any]]


_Name = Annotated[str, msgspec.Meta(max_length=300)]
_Count = Annotated[int, msgspec.Meta(ge=0, lt=10**15)]


class SpendRow(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One row that is brought in. Amounts may be texts, as a file has them."""

    date: date
    platform: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    campaign_id: _Name | None = None
    campaign_name: _Name | None = None
    cost: Decimal
    currency: str | None = None
    impressions: _Count | None = None
    clicks: _Count | None = None
    conversions: Decimal | None = None


class RowFault(msgspec.Struct, frozen=True):
    """Why a row cannot be taken; the first row is 1, in a file the first below the header."""

    row: int
    field: str | None
    message: str


_REQUEST = msgspec.json.Decoder(SpendRequest)
_ROWS = msgspec.json.Decoder(_Rows)
_COLUMNS = {name.casefold(): name for name in SpendRow.__struct_encode_fields__}
_NOT_LETTERS = re.compile(r"[^a-z]+")
_MISSING = re.compile(r"missing required field `(\w+)`")


async def list_spend(call: Call) -> Response:
    """Section 7.2."""
    body = wire.decode(_REQUEST, call.request.body)
    first, last = period(body.start_date, body.end_date)
    by = GROUPS.get(body.group_by or "date")
    if by is None:
        raise refuse(Code.INVALID, f'"groupBy" is one of {", ".join(GROUPS)}, not "{body.group_by}"', "/groupBy")
    limit = _bounded("limit", DEFAULT_LIMIT if body.limit is None else body.limit, MOST)
    page = _bounded("page", 1 if body.page is None else body.page, LAST_PAGE)
    platform = _platform(body.platform) if body.platform else None
    async with call.core.database.connection() as connection:
        rows, total = await store.spend(
            connection, call.actor.company_id, first, last, platform, by, limit=limit, offset=(page - 1) * limit
        )
    return succeeded(rows, call.now, paginated(page, limit, total))


def _bounded(name: str, number: int, most: int) -> int:
    if not 1 <= number <= most:
        raise refuse(Code.INVALID, f'"{name}" is a whole number from 1 to {most}, not {number}', f"/{name}")
    return number


def _platform(text: str) -> str:
    return text.strip().casefold()


# Bringing in


async def put_spend(call: Call) -> Response:
    """Takes all rows or none. A row that is there already, by date, platform and campaign, is replaced."""
    call.demand_whole_company()
    rows = _checked(_given(call.request))
    async with call.core.database.connection() as connection:
        await store.put_spend(connection, call.actor.company_id, rows)
    return succeeded(SpendBrought(len(rows), "Ad spend stored"), call.now)


def _given(request: Request) -> list[dict[str, Any]]:
    media_type = (request.header(b"content-type") or "").partition(";")[0].strip().casefold()
    given = _rows_of_file(request.body) if media_type == "text/csv" else wire.decode(_ROWS, request.body).rows
    rows = list(islice(given, MOST_ROWS + 1))
    if not 1 <= len(rows) <= MOST_ROWS:
        raise refuse(Code.INVALID, f"Send 1 to {MOST_ROWS} rows at once", "/rows")
    return rows


def _rows_of_file(body: bytes) -> Iterator[dict[str, Any]]:
    """The lines below the header, blanks left out. Raises BadInput."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput("The file is not UTF-8 text") from None
    if "\x00" in text:
        raise BadInput("Text must not contain the character U+0000")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    # Spreadsheets end a file with lines of empty cells.
    lines = (line for line in reader if any(map(str.strip, line)))
    try:
        names = _header(next(lines, []))
        for number, line in enumerate(lines, 1):
            if any(map(str.strip, line[len(names) :])):
                raise _too_long(number)
            yield {name: cell.strip() for name, cell in zip(names, line, strict=False) if name and cell.strip()}
    except csv.Error as error:
        raise BadInput(f"The file is not CSV: {error}") from None


def _delimiter(text: str) -> str:
    """What parts the header line into columns: where the decimal sign is the comma, spreadsheets write semicolons."""
    head = text.lstrip().partition("\n")[0].partition("\r")[0]
    return max(",;", key=lambda sign: sum(_column(name) is not None for name in head.split(sign)))


def _column(name: str) -> str | None:
    return _COLUMNS.get(_NOT_LETTERS.sub("", name.casefold()))


def _header(line: Iterable[str]) -> list[str | None]:
    """The columns in their order, None for one that is not ours. Raises BadInput."""
    names = [_column(name) for name in line]
    if missing := [name for name in ("date", "platform", "cost") if name not in names]:
        raise BadInput(f'The header line lacks "{missing[0]}"; the columns are: {", ".join(_COLUMNS.values())}')
    if repeated := [name for name in _COLUMNS.values() if names.count(name) > 1]:
        raise BadInput(f'The header line has more than one column "{repeated[0]}"')
    return names


def _too_long(number: int) -> Refused:
    """An amount like 1,234.50 without quotes falls into two cells: nobody may take it for 1."""
    message = "The row has more cells than the header line; put a text that has the delimiter in it into quotes"
    fault = RowFault(number, None, message)
    return refuse(Code.INVALID, f"Nothing was stored: row {number}: {message}", "/rows", rows=[fault])


def _checked(given: Iterable[Mapping[str, Any]]) -> list[Spend]:
    """The rows as they are stored. Raises Refused (`invalid`) with what is wrong with which of them."""
    rows: dict[tuple[date, str, str], tuple[int, Spend]] = {}
    faults: list[RowFault] = []
    for number, row in enumerate(given, 1):
        try:
            spend = _spend(msgspec.convert(row, SpendRow, strict=False))
            key = (spend.day, spend.platform, spend.campaign_id)
            if (first := rows.setdefault(key, (number, spend))[0]) != number:
                raise BadInput(f"The row has the date, platform and campaign of row {first}")
        except msgspec.ValidationError as error:
            faults.append(_fault(number, error))
        except BadInput as error:
            faults.append(RowFault(number, error.pointer, error.message))
    if faults:
        message = (
            f"{len(faults)} rows cannot be taken, and nothing was stored: row {faults[0].row}: {faults[0].message}"
        )
        raise refuse(Code.INVALID, message, "/rows", rows=faults[:MOST_FAULTS])
    return [spend for _, spend in rows.values()]


def _fault(number: int, error: msgspec.ValidationError) -> RowFault:
    message, _, place = str(error).partition(" - at `$.")
    missing = _MISSING.search(message)
    field = missing[1] if missing is not None else place.rstrip("`") or None
    return RowFault(number, field, message.replace("`", '"'))


def _spend(row: SpendRow) -> Spend:
    """Raises BadInput with the member at fault."""
    if not EARLIEST <= row.date.year < LATEST:
        raise BadInput(f'"date" must lie in the years {EARLIEST} to {LATEST - 1}', "date")
    for name, amount in (("cost", row.cost), ("conversions", row.conversions)):
        if amount is not None and not money.is_amount(amount):
            raise BadInput(f'"{name}" must be a number from 0 to below 10^15 with at most six decimal places', name)
    currency = row.currency.strip().upper() if row.currency else None
    if currency is not None and not money.is_currency(currency):
        raise BadInput('"currency" must be an ISO 4217 code like EUR', "currency")
    if not (platform := _platform(row.platform)):
        raise BadInput('"platform" must not be blank', "platform")
    return Spend(
        day=row.date,
        platform=platform,
        campaign_id=(row.campaign_id or "").strip(),
        campaign_name=row.campaign_name or None,
        cost=money.plain(row.cost),
        currency=currency,
        impressions=row.impressions,
        clicks=row.clicks,
        conversions=row.conversions,
    )
