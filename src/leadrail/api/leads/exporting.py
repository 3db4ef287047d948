"""Leads, or their history, as a file that is sent as it is read."""

from leadrail.api.leads.reading import channels_of, filter_of
from leadrail.api.leads.shapes import ExportFormat, ExportQuery
from leadrail.api.operation import Call
from leadrail.core.exports import csv, parquet
from leadrail.core.exports.rows import History, Leads, Table
from leadrail.kit.http import Stream

WRITERS = {ExportFormat.CSV: csv, ExportFormat.PARQUET: parquet}


async def export(call: Call[None, ExportQuery]) -> Stream:
    query, core, actor = call.query, call.core, call.actor
    async with core.database.connection() as connection:
        setups = await channels_of(core, connection, actor, query)
    chosen = filter_of(actor, query, setups)
    channels = [setup.channel for setup in setups]
    table: Table = History(core, actor, chosen) if query.history else Leads(core, actor, channels, chosen)
    name = f"{'history' if query.history else 'leads'}.{query.format}"
    disposition = (b"content-disposition", f'attachment; filename="{name}"'.encode())
    writer = WRITERS[query.format]
    return Stream(200, writer.written(table), writer.MEDIA_TYPE.encode(), (disposition,))
