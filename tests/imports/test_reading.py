"""Real files: how they are written is found out, and their columns are known by name."""

import io
from pathlib import Path

import pytest

from leadrail.core.errors import Refused
from leadrail.core.imports import reading
from leadrail.core.imports.model import Counts, Layout
from tests.imports.stage import brought, draft, leads
from tests.people import People

FILES = Path(__file__).with_name("files")


def layout(body: bytes) -> Layout:
    return reading.layout_of(io.BytesIO(body))


@pytest.mark.parametrize(
    ("name", "encoding", "delimiter", "header_row"),
    [
        ("linkedin.csv", "utf-8", ",", 4),
        ("hubspot.csv", "utf-8-sig", ",", 1),
        ("pipedrive.csv", "utf-8", ",", 1),
        ("excel-german.csv", "windows-1252", ";", 1),
        ("excel-unicode.txt", "utf-16", "\t", 1),
    ],
)
def test_how_a_file_is_written_is_found_out(name: str, encoding: str, delimiter: str, header_row: int) -> None:
    found = layout((FILES / name).read_bytes())

    assert (found.encoding, found.delimiter, found.header_row) == (encoding, delimiter, header_row)


@pytest.mark.parametrize(
    ("name", "mapping"),
    [
        (
            "linkedin.csv",
            {"First Name": "first_name", "Last Name": "last_name", "URL": "linkedin_url", "Email Address": "email"}
            | {"Company": "company_name", "Position": "title", "Connected On": None},
        ),
        (
            "hubspot.csv",
            {"Record ID - Contact": "external_ids.hubspot", "First Name": "first_name", "Last Name": "last_name"}
            | {"Email": "email", "Phone Number": "phone", "Contact owner": "assignee", "Lead Status": "status"}
            | dict.fromkeys(("Primary Associated Company ID", "Last Activity Date (GMT+1)", "Marketing contact status"))
            | {"Create Date (GMT+1)": "created_at", "Associated Company": "company_name"},
        ),
        (
            "pipedrive.csv",
            {"Person - Name": "name", "Person - Email - Work": "email", "Person - Phone - Work": "phone"}
            | {"Person - Organization": "company_name", "Person - Owner": "assignee"}
            | {"Person - ID": "external_ids.pipedrive", "Deal - Value": "value"}
            | {"Deal - Currency of Value": "currency"},
        ),
        (
            "excel-german.csv",
            {"Anrede": None, "Vorname": "first_name", "Nachname": "last_name", "Firma": "company_name"}
            | {"E-Mail-Adresse": "email", "Telefon (gesch.)": "phone", "Auftragswert": "value"}
            | {"Angelegt am": "created_at", "Bemerkungen": "notes"},
        ),
        (
            "excel-unicode.txt",
            {"First name": "first_name", "Last name": "last_name", "E-mail": "email", "Mobile phone": "phone"}
            | {"Close date": "closed_at"},
        ),
    ],
)
async def test_columns_are_known_by_their_names_and_every_row_comes(
    name: str, mapping: dict[str, str | None], people: People
) -> None:
    owner = people.owner
    await owner.http.patch("/v1/company", json={"country": "DE"})
    channel = await owner.channel()
    body = (FILES / name).read_bytes()

    made = await draft(owner, channel, body)
    assert made.options.mapping == mapping
    done = await brought(owner, channel, body)

    assert (done.rows, done.counts) == (2, Counts(created=2))
    joan = (await leads(owner, channel))[0]
    assert "Joan" in joan["name"]
    assert "Müller" in joan["name"]
    assert joan["email"] == "joan@example.com"


async def test_amounts_dates_and_cells_of_several_lines_are_read_as_they_were_written(people: People) -> None:
    owner = people.owner
    channel = await owner.channel()

    await brought(owner, channel, (FILES / "excel-german.csv").read_bytes())

    joan, bo = await leads(owner, channel)
    assert (joan["value"], joan["company_name"], joan["notes"]) == ("1234.5", "Acme; Söhne", 'Sagt "ja",\r\nruft an')
    assert (bo["value"], bo["created_at"]) == ("99", "2026-01-31T00:00:00Z")


@pytest.mark.parametrize(
    ("body", "columns"),
    [
        (b"email\na@x.com\n", ("email",)),
        (b"email;name\n", ("email", "name")),
        (b"a|b|c\n1|2|3\n", ("a", "b", "c")),
        (b'"a,b";c\n"1,2";3\n', ("a,b", "c")),
        (b"name,name,,name\n1,2,3,4\n", ("name", "name (2)", "Column 3", "name (3)")),
        ("größe\nä\n".encode("utf-16-le"), ("größe",)),
        (b"\r\n\r\nemail,name\r\n", ("email", "name")),
    ],
)
def test_the_first_full_row_names_the_columns(body: bytes, columns: tuple[str, ...]) -> None:
    assert layout(body).columns == columns


@pytest.mark.parametrize("body", [b"", b"\n\n", b" , \n"])
def test_a_file_of_nothing_is_refused(body: bytes) -> None:
    with pytest.raises(Refused, match="empty"):
        layout(body)


def test_a_quotation_mark_that_is_left_open_is_named() -> None:
    body = b'email,notes\na@x.com,"never closed\n' + b"x" * (reading.CELL_LIMIT + 1)

    with pytest.raises(Refused, match="quotation mark"):
        reading.row_count(io.BytesIO(body), Layout("utf-8", ",", 1, ("email", "notes")))


def test_rows_are_numbered_as_a_spreadsheet_does_and_gone_on_with_behind_one() -> None:
    body = b"sep=,\nemail\na@x.com\n\nb@x.com\nc@x.com\n"
    found = layout(body)

    assert [row for row, _ in reading.rows(io.BytesIO(body), found)] == [2, 4, 5]
    assert [cells for _, cells in reading.rows(io.BytesIO(body), found, 4)] == [["c@x.com"]]
