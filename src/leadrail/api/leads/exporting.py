"""Leads, or their history, as a file that is sent as it is read."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from leadrail.api.leads.reading import channels_of, filter_of
from leadrail.api.leads.shapes import ExportBody, ExportFormat, ExportQuery
from leadrail.api.operation import Call, NoQuery
from leadrail.core.channels.model import Channel
from leadrail.core.exports import csv, parquet
from leadrail.core.exports.rows import table_of
from leadrail.core.leads.filters import Filter
from leadrail.core.leads.language import terms_of
from leadrail.core.views.commands import visible_view
from leadrail.kit.http import Stream

WRITERS = {ExportFormat.CSV: csv, ExportFormat.PARQUET: parquet}


async def export(call: Call[None, ExportQuery]) -> Stream:
    query = call.query
    async with call.core.database.connection() as connection:
        setups = await channels_of(call.core, connection, call.actor, query)
        chosen, channels = filter_of(call.actor, query, setups), [setup.channel for setup in setups]
        if query.view is not None:
            view = await visible_view(connection, call.actor, query.view)
            chosen = replace(chosen, conditions=(*chosen.conditions, *terms_of(view.filter, channels, "?view")))
    return _file(call, query, chosen, channels)


async def export_filtered(call: Call[ExportBody, NoQuery]) -> Stream:
    async with call.core.database.connection() as connection:
        channels = [setup.channel for setup in await call.core.reader.channels(connection, call.actor)]
    terms = terms_of(call.body.filter, channels)
    chosen = Filter(channel_ids=tuple(channel.id for channel in channels), conditions=terms)
    return _file(call, call.body, chosen, channels)


def _file(
    call: Call[Any, Any], wanted: ExportQuery | ExportBody, chosen: Filter, channels: Sequence[Channel]
) -> Stream:
    table = table_of(call.core, call.actor, channels, chosen, history=wanted.history)
    name = f"{'history' if wanted.history else 'leads'}.{wanted.format}"
    disposition = (b"content-disposition", f'attachment; filename="{name}"'.encode())
    writer = WRITERS[wanted.format]
    return Stream(200, writer.written(table), writer.MEDIA_TYPE.encode(), (disposition,))
