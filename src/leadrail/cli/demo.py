"""Demo data: a company, its partner, a channel with rewards, some leads; and the lines to try on them."""

from decimal import Decimal

from msgspec.structs import replace
from rich.console import Console

from leadrail.core.actor import Scope, system
from leadrail.core.channels.commands import NewChannel, NewProperty, create_channel
from leadrail.core.channels.model import Member, PropertyType, Role, StatusRef
from leadrail.core.companies import store as companies
from leadrail.core.companies.commands import Bootstrapped, NewKey, bootstrap, create_key
from leadrail.core.core import Core
from leadrail.core.leads.commands import ChangeStatus, CreateLead
from leadrail.core.leads.filters import Filter
from leadrail.core.rewards.commands import NewTrigger, add_trigger
from leadrail.core.rewards.model import Cause, Kind
from leadrail.db.database import Connection
from leadrail.db.embedded import default_data_dir
from leadrail.kit.ids import new_id
from leadrail.settings import Settings

COMPANY, EMAIL, PARTNER = "Acme Demo", "owner@acme.example", "Partner Demo"
TILL, PASSWORD = "demo-till", "demo-password"

# Name, company, value, statuses walked through.
PEOPLE = (
    ("Ada", "Lovelace", "Analytical Engines", "12000", ("Qualified", "Won")),
    ("Grace", "Hopper", "Harbor Compilers", "8000", ("Qualified",)),
    ("Alan", "Turing", "Bletchley Machines", "5000", ("Lost",)),
    ("Edsger", "Dijkstra", "Shortest Path BV", None, ()),
    ("Barbara", "Liskov", "Substitution Ltd", "20000", ("Qualified",)),
    ("Radia", "Perlman", "Spanning Trees", None, ()),
)


def settings_for_demo(settings: Settings) -> Settings:
    """The same settings, with a data folder of the demo's own and webhooks allowed to this machine."""
    folder = settings.data_dir or str(default_data_dir().with_name(f"{default_data_dir().name}-demo"))
    return replace(settings, data_dir=folder, webhook_allow=settings.webhook_allow or "127.0.0.0/8,::1/128")


async def announce(core: Core, url: str) -> None:
    """Loads the demo data once, and prints a line that changes a lead's status."""
    made = await _load(core)
    actor = await core.doors.admit_key(made.api_key, "cli")
    async with core.database.connection() as connection:
        channels = await core.reader.channels(connection, actor)
        every = tuple(setup.channel.id for setup in channels)
        newest = await core.reader.leads(connection, actor, Filter(channel_ids=every, limit=1))
    Console(soft_wrap=True).print(_text(url, made, str(newest[0].lead.id)), highlight=False)


def _text(url: str, made: Bootstrapped, lead_id: str) -> str:
    key = made.api_key
    return f"""
Leadrail serves at [bold]{url}[/]  (its API: {url}/docs)

  company     {COMPANY} ({made.company_id}), owner {EMAIL}
  API key     {key}
  till login  {TILL} / {PASSWORD}  (Basic, for the Capillary dialect)

Change a lead's status:

  curl -X PUT {url}/v1/leads/{lead_id}/status -H 'X-API-Key: {key}' -H 'Content-Type: application/json' \
-d '{{"status": "Won", "value": "9000"}}'

See what followed:

  curl -H 'X-API-Key: {key}' {url}/v1/leads/{lead_id}/events
  curl -H 'X-API-Key: {key}' {url}/v1/rewards
  curl -H 'X-API-Key: {key}' {url}/v1/notifications

Ctrl-C stops the server and its database.
"""


async def _load(core: Core) -> Bootstrapped:
    async with core.database.transaction() as connection:
        made = await bootstrap(connection, COMPANY, EMAIL, core.clock())
        partner = await bootstrap(connection, PARTNER, "owner@partner.example", core.clock())
        if await companies.till_taken(connection, TILL):
            return made
        await _fill(core, connection, made, partner)
    await _walk(core, made)
    return made


async def _fill(core: Core, connection: Connection, made: Bootstrapped, partner: Bootstrapped) -> None:
    channel = NewChannel(
        title="Website",
        currency="EUR",
        properties=(NewProperty(name="Deal size", type=PropertyType.NUMBER),),
        members=(Member(partner.company_id, Role.REFERRING),),
    )
    id = await create_channel(connection, made.company_id, channel)
    setup = (await core.setups.uncached(connection, [id]))[id]
    share = NewTrigger(cause=Cause.STATUS_CHANGE, status="Won", kind=Kind.PERCENT, amount=Decimal(10))
    await add_trigger(connection, setup.channel, share)
    till = NewKey(name="demo till", scopes=tuple(Scope), till=TILL, password=PASSWORD, default_channel=id)
    await create_key(connection, made.company_id, till, core.clock())


async def _walk(core: Core, made: Bootstrapped) -> None:
    """Brings the demo leads in and moves them, by the same path as everything else."""
    actor = system(made.company_id, "cli")
    async with core.database.connection() as connection:
        channel = (await core.reader.channels(connection, actor))[0].channel
    for first, last, company, value, statuses in PEOPLE:
        email = f"{first}.{last}@example.com".lower()
        fields = {"first_name": first, "last_name": last, "company_name": company, "email": email, "source": "website"}
        lead_id = new_id()
        create = CreateLead(actor=actor, channel_id=channel.id, lead_id=lead_id, fields=fields)
        await core.engine.execute([create])
        for name in statuses:
            worth = {"value": Decimal(value)} if value else {}
            move = ChangeStatus(actor=actor, lead_id=lead_id, status=StatusRef(name=name), fields=worth)
            await core.engine.execute([move])
