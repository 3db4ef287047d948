"""The server role: HTTP, and beside it the worker, until somebody asks it to stop."""

import asyncio
import contextlib
import gc
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import uvicorn

from leadrail.app import App
from leadrail.cli.running import open_core, stop_requested
from leadrail.core.core import Core
from leadrail.kit.outgoing import Outgoing
from leadrail.settings import Settings
from leadrail.worker.changing import change_in_bulk
from leadrail.worker.deliverer import Deliverer
from leadrail.worker.periodic import run_periodic

GRACE_S = 10

log = logging.getLogger(__name__)


class PortTaken(Exception):
    """Another program listens where we should; the text says what to do."""


class _Server(uvicorn.Server):
    """uvicorn without signal handlers of its own: we stop in our order, HTTP first, the database last."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.answers = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.answers.set()


async def serve(
    settings: Settings, *, with_worker: bool = True, announce: Callable[[Core, str], Awaitable[None]]
) -> None:
    """Serves until SIGTERM or Ctrl-C. `announce` is called once with the URL when requests are answered."""
    listener = _listen(settings.host, settings.port)
    stop = stop_requested()
    wakers: list[Callable[[], None]] = []

    def wake() -> None:
        for waker in wakers:
            waker()

    async with open_core(settings, on_due=wake) as core, contextlib.AsyncExitStack() as stack:
        if with_worker:
            deliverer = await stack.enter_async_context(working(core))
            wakers.append(deliverer.wake)
        await stack.enter_async_context(_http(core, listener, settings))
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        await announce(core, f"http://{host}:{listener.getsockname()[1]}")
        # What lives from here on is not looked at again by the garbage collector: shorter pauses.
        gc.collect()
        gc.freeze()
        await stop.wait()


async def work(settings: Settings) -> None:
    """The worker role alone, beside servers that run elsewhere."""
    stop = stop_requested()
    async with open_core(settings, join=True) as core, working(core):
        await stop.wait()


@asynccontextmanager
async def working(core: Core) -> AsyncIterator[Deliverer]:
    """A worker in the background; it finishes what it is sending and changing before it goes."""
    async with Outgoing(core.webhook_allow) as outgoing:
        deliverer, stopping = Deliverer(core, outgoing), asyncio.Event()
        periodic = asyncio.create_task(run_periodic(core))
        changing = asyncio.create_task(change_in_bulk(core, stopping))
        delivering = asyncio.create_task(deliverer.run())
        delivering.add_done_callback(_say_why)
        try:
            yield deliverer
        finally:
            stopping.set()
            await deliverer.stop()
            periodic.cancel()
            await asyncio.gather(delivering, periodic, changing, return_exceptions=True)


def _say_why(task: asyncio.Task[None]) -> None:
    """A worker outlives whatever the database and receivers do; if it ends all the same, nobody must overlook it."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.critical("the delivery worker has ended; start Leadrail again", exc_info=error)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise PortTaken(f"Cannot listen on {host}:{port} ({error.strerror}); set LEADRAIL_PORT to another") from None
    # asyncio does this only for sockets that it made itself; without it an answer may wait 40 ms for the other side.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


@asynccontextmanager
async def _http(core: Core, listener: socket.socket, settings: Settings) -> AsyncIterator[None]:
    config = uvicorn.Config(
        App(core),
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=True,
        timeout_graceful_shutdown=GRACE_S,
        timeout_keep_alive=75,
        proxy_headers=bool(settings.proxy_networks),
        forwarded_allow_ips=[str(network) for network in settings.proxy_networks],
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve([listener]))
    await server.answers.wait()
    try:
        yield
    finally:
        core.tail.stop()  # streams never end by themselves, and the server waits for open answers
        server.should_exit = True
        await task
