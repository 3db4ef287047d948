"""The same two operations as one would write them first: FastAPI, SQLAlchemy's async ORM, one transaction a request.

It checks the key, locks the lead, writes the change, the event and the delivery; it does less than Leadrail (no
rules, no rewards, no idempotency), in Leadrail's own tables.
"""

import hashlib
import os
import uuid
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, HTTPException
from pydantic import BaseModel
from sqlalchemy import JSON, BigInteger, Sequence, String, Uuid, func, select, update
from sqlalchemy.dialects.postgresql import BYTEA, TIMESTAMP
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

_engine = create_async_engine("postgresql+asyncpg://", connect_args={"dsn": os.environ["BENCH_URL"]}, pool_size=20)
_sessions = async_sessionmaker(_engine, expire_on_commit=False)
Moment = Annotated[datetime, mapped_column(TIMESTAMP(timezone=True))]
Id = Annotated[uuid.UUID, mapped_column(Uuid)]


class Base(DeclarativeBase):
    # What the database fills in comes back with the INSERT itself.
    __mapper_args__ = {"eager_defaults": True}  # noqa: RUF012 - SQLAlchemy's own form


class Key(Base):
    __tablename__ = "api_keys"
    company_id: Mapped[Id] = mapped_column(primary_key=True)
    id: Mapped[Id] = mapped_column(primary_key=True)
    digest: Mapped[bytes] = mapped_column(BYTEA)


class Status(Base):
    __tablename__ = "statuses"
    company_id: Mapped[Id] = mapped_column(primary_key=True)
    channel_id: Mapped[Id] = mapped_column(primary_key=True)
    id: Mapped[Id] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String)
    position: Mapped[int]


class Endpoint(Base):
    __tablename__ = "endpoints"
    company_id: Mapped[Id] = mapped_column(primary_key=True)
    id: Mapped[Id] = mapped_column(primary_key=True)


class Counter(Base):
    __tablename__ = "event_counters"
    company_id: Mapped[Id] = mapped_column(primary_key=True)
    last_seq: Mapped[int] = mapped_column(BigInteger)


class Lead(Base):
    __tablename__ = "leads"
    company_id: Mapped[Id] = mapped_column(primary_key=True)
    id: Mapped[Id] = mapped_column(primary_key=True, default=uuid.uuid4)
    number: Mapped[int] = mapped_column(BigInteger)
    channel_id: Mapped[Id]
    status_id: Mapped[Id]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    first_name: Mapped[str | None]
    last_name: Mapped[str | None]
    company_name: Mapped[str | None]
    source: Mapped[str | None]
    status_changed_at: Mapped[Moment]
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]
    version: Mapped[int] = mapped_column(BigInteger)


class LeadKey(Base):
    __tablename__ = "lead_keys"
    company_id: Mapped[Id] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    lead_id: Mapped[Id] = mapped_column(primary_key=True)


class Event(Base):
    __tablename__ = "events"
    company_id: Mapped[Id] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    id: Mapped[Id] = mapped_column(default=uuid.uuid4)
    type: Mapped[str]
    lead_id: Mapped[Id]
    channel_id: Mapped[Id]
    occurred_at: Mapped[Moment]
    recorded_at: Mapped[Moment]
    actor_kind: Mapped[str]
    face: Mapped[str]
    notice: Mapped[bool]
    data: Mapped[Any] = mapped_column(JSON)


class Delivery(Base):
    __tablename__ = "deliveries"
    company_id: Mapped[Id] = mapped_column(primary_key=True)
    id: Mapped[Id] = mapped_column(primary_key=True, default=uuid.uuid4)
    event_seq: Mapped[int] = mapped_column(BigInteger)
    event_id: Mapped[Id]
    endpoint_company_id: Mapped[Id]
    endpoint_id: Mapped[Id]
    payload: Mapped[str]
    due_at: Mapped[Moment]
    created_at: Mapped[Moment]


class StatusChange(BaseModel):
    status: str


class NewLead(BaseModel):
    channel_id: uuid.UUID
    email: str | None = None
    phone: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    company_name: str | None = None
    source: str | None = None


class Shown(BaseModel, from_attributes=True):
    id: uuid.UUID
    number: int
    channel_id: uuid.UUID
    status_id: uuid.UUID
    email: str | None
    phone: str | None
    first_name: str | None
    last_name: str | None
    company_name: str | None
    source: str | None
    created_at: datetime
    updated_at: datetime
    version: int


async def _session() -> Any:
    async with _sessions() as session, session.begin():
        yield session


Session = Annotated[AsyncSession, Depends(_session)]
app = FastAPI()


async def _company(session: AsyncSession, key: str) -> uuid.UUID:
    digest = hashlib.sha256(key.encode()).digest()
    company_id = await session.scalar(select(Key.company_id).where(Key.digest == digest))
    if company_id is None:
        raise HTTPException(401)
    return company_id


async def _record(session: AsyncSession, lead: Lead, kind: str, now: datetime) -> None:
    counted = update(Counter).where(Counter.company_id == lead.company_id).values(last_seq=Counter.last_seq + 1)
    seq = await session.scalar(counted.returning(Counter.last_seq))
    shown = Shown.model_validate(lead).model_dump(mode="json")
    common = {"company_id": lead.company_id, "recorded_at": now, "actor_kind": "api_key", "face": "api"}
    event = Event(**common, id=uuid.uuid4(), seq=seq, type=kind, lead_id=lead.id, channel_id=lead.channel_id)
    event.occurred_at, event.notice, event.data = now, True, {"lead": shown}
    session.add(event)
    await session.flush()
    for endpoint in await session.scalars(select(Endpoint).where(Endpoint.company_id == lead.company_id)):
        delivery = Delivery(company_id=lead.company_id, event_seq=seq, event_id=event.id, endpoint_id=endpoint.id)
        delivery.endpoint_company_id, delivery.payload = endpoint.company_id, str(shown)
        delivery.due_at = delivery.created_at = now
        session.add(delivery)


@app.put("/v1/leads/{id}/status")
async def change_status(
    id: uuid.UUID, body: StatusChange, session: Session, x_api_key: Annotated[str, Header()]
) -> Shown:
    company_id, now = await _company(session, x_api_key), datetime.now(UTC)
    wanted = select(Lead).where(Lead.company_id == company_id, Lead.id == id).with_for_update()
    lead = await session.scalar(wanted)
    if lead is None:
        raise HTTPException(404)
    named = select(Status).where(
        Status.company_id == company_id,
        Status.channel_id == lead.channel_id,
        func.lower(Status.name) == body.status.lower(),
    )
    status = await session.scalar(named)
    if status is None:
        raise HTTPException(422)
    lead.status_id, lead.status_changed_at, lead.updated_at, lead.version = status.id, now, now, lead.version + 1
    await _record(session, lead, "lead.status_changed", now)
    return Shown.model_validate(lead)


@app.post("/v1/leads", status_code=201)
async def create(body: NewLead, session: Session, x_api_key: Annotated[str, Header()]) -> Shown:
    company_id, now = await _company(session, x_api_key), datetime.now(UTC)
    first = select(Status).where(Status.company_id == company_id, Status.channel_id == body.channel_id)
    status = await session.scalar(first.order_by(Status.position).limit(1))
    if status is None:
        raise HTTPException(404)
    number = await session.scalar(select(Sequence("lead_numbers").next_value()))
    lead = Lead(**body.model_dump(), company_id=company_id, status_id=status.id, version=1, number=number)
    lead.status_changed_at = lead.created_at = lead.updated_at = now
    session.add(lead)
    await session.flush()
    for kind, key in (("email", lead.email), ("phone", lead.phone)):
        session.add(LeadKey(company_id=company_id, kind=kind, key=key, lead_id=lead.id))
    await _record(session, lead, "lead.created", now)
    return Shown.model_validate(lead)
