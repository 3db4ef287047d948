"""Posts over real sockets: every outcome provoked, and nothing private reached."""

import asyncio
import os
import resource
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import IPv4Address, IPv6Address, ip_network
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from leadrail.kit.addresses import Network, is_allowed
from leadrail.kit.outgoing import Outcome, Outgoing, Reply, Resolve, check_url, retry_after_s
from tests.receivers import Answer, Behaviour, Endless, Hang, Raw, Receiver, Request, Reset, redirect

LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
EVERYTHING: tuple[Network, ...] = (ip_network("0.0.0.0/0"), ip_network("::/0"))
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
async def sender() -> AsyncIterator[Outgoing]:
    async with Outgoing(LOOPBACK, connect_timeout_s=2, total_timeout_s=5) as sender:
        yield sender


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as receiver:
        yield receiver


def answering(*addresses: str) -> Resolve:
    async def resolve(host: str, port: int) -> list[str]:
        return list(addresses)

    return resolve


async def post_once(behaviour: Behaviour, **limits: float) -> Reply:
    async with Receiver(behaviour) as receiver, Outgoing(LOOPBACK, **limits) as sender:  # type: ignore[arg-type]
        return await sender.post(receiver.url, b"{}", {})


async def closed_port() -> int:
    async with Receiver() as receiver:
        return receiver.port


# What goes out


async def test_body_and_headers_arrive_as_given(sender: Outgoing, receiver: Receiver) -> None:
    body, headers = '{"a": "ë"}'.encode(), {"Content-Type": "application/json", "webhook-id": "m1"}

    await sender.post(receiver.url, body, headers)

    [request] = receiver.requests
    assert (request.method, request.path, request.body) == ("POST", "/hook", body)
    assert request.headers.items() >= {"content-type": "application/json", "webhook-id": "m1"}.items()
    assert request.headers["user-agent"] == "Leadrail"
    assert request.headers["accept-encoding"] == "identity"


async def test_an_ascii_url_is_sent_letter_by_letter(sender: Outgoing, receiver: Receiver) -> None:
    query = "?sig=%2Fa%2b+b%41&empty=&x=%3d"

    await sender.post(f"{receiver.url}{query}", b"", {})

    assert receiver.requests[0].path == f"/hook{query}"


async def test_proxies_and_cookies_of_the_environment_are_not_used(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{await closed_port()}")
    receiver.answer_with(Answer(headers={"Set-Cookie": "a=b"}))

    async with Outgoing(LOOPBACK) as sender:
        replies = [await sender.post(receiver.url, b"", {}) for _ in range(2)]

    assert [reply.outcome for reply in replies] == [Outcome.OK, Outcome.OK]
    assert "cookie" not in receiver.requests[1].headers


async def test_posts_share_a_connection(sender: Outgoing, receiver: Receiver) -> None:
    for _ in range(3):
        await sender.post(receiver.url, b"", {})

    assert (len(receiver.requests), receiver.connections) == (3, 1)


async def test_many_posts_run_side_by_side(receiver: Receiver) -> None:
    receiver.answer_with(Answer(delay_s=0.1))

    async with Outgoing(LOOPBACK, connect_timeout_s=30, total_timeout_s=60) as patient:
        replies = await asyncio.gather(*(patient.post(receiver.url, b"", {}) for _ in range(200)))

    assert {reply.outcome for reply in replies} == {Outcome.OK}
    assert receiver.connections == 200


# What comes back


@pytest.mark.parametrize(
    ("behaviour", "outcome", "status"),
    [
        (Answer(200), Outcome.OK, 200),
        (Answer(204), Outcome.OK, 204),
        (redirect("http://127.0.0.1/elsewhere"), Outcome.REDIRECT, 302),
        (redirect("/elsewhere", 308), Outcome.REDIRECT, 308),
        (Answer(304), Outcome.REDIRECT, 304),
        (Answer(410), Outcome.HTTP_4XX, 410),
        (Answer(503), Outcome.HTTP_5XX, 503),
        (Answer(700), Outcome.BAD_RESPONSE, 700),
        (
            Raw(b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"),
            Outcome.BAD_RESPONSE,
            101,
        ),
        (Raw(b"SSH-2.0-OpenSSH_9.6\r\n"), Outcome.BAD_RESPONSE, None),
        (Raw(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 20_000 + b"\r\n\r\n"), Outcome.BAD_RESPONSE, None),
        (Raw(b""), Outcome.RESET, None),
        (Reset(), Outcome.RESET, None),
        (Endless(200), Outcome.TOO_LARGE, 200),
        (Endless(500), Outcome.TOO_LARGE, 500),
    ],
)
async def test_an_answer_is_one_word(behaviour: Behaviour, outcome: Outcome, status: int | None) -> None:
    reply = await post_once(behaviour)

    assert (reply.outcome, reply.status) == (outcome, status)


async def test_a_redirect_is_not_followed(sender: Outgoing, receiver: Receiver) -> None:
    async with Receiver(redirect(receiver.url, 307)) as first:
        await sender.post(first.url, b"", {})

    assert receiver.requests == []


async def test_the_first_bytes_of_a_body_are_kept_and_the_connection_lives_on(
    sender: Outgoing, receiver: Receiver
) -> None:
    receiver.answer_with(Answer(400, body=b"abcd" * 5_000))

    replies = [await sender.post(receiver.url, b"", {}) for _ in range(2)]

    assert [reply.body for reply in replies] == [b"abcd" * 1_024] * 2
    assert receiver.connections == 1


async def test_a_compressed_body_is_not_unpacked() -> None:
    reply = await post_once(Answer(headers={"Content-Encoding": "gzip"}, body=b"not gzip at all"))

    assert (reply.outcome, reply.body) == (Outcome.OK, b"not gzip at all")


async def test_a_body_beyond_the_limit_closes_its_connection(receiver: Receiver) -> None:
    receiver.answer_with([Endless(), Answer()])

    async with Outgoing(LOOPBACK, max_response_bytes=10_000) as sender:
        replies = [await sender.post(receiver.url, b"", {}) for _ in range(2)]

    assert [reply.outcome for reply in replies] == [Outcome.TOO_LARGE, Outcome.OK]
    assert (len(replies[0].body), receiver.connections) == (4_096, 2)


@pytest.mark.parametrize(
    "behaviour",
    [
        Endless(chunk=b"x", pause_s=0.05),
        Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"),
    ],
    ids=["stalls", "breaks off"],
)
async def test_a_status_counts_although_its_body(behaviour: Behaviour) -> None:
    reply = await post_once(behaviour, total_timeout_s=0.3)

    assert (reply.outcome, reply.status, reply.body[:1]) == (Outcome.OK, 200, b"x")


@settings(deadline=None)
@given(data=st.binary(max_size=60).map(lambda tail: b"HTTP/1." + tail))
@example(data=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: \xff\r\n\r\n")
@example(data=b"HTTP/1.1 200 OK\r\nSet-Cookie: \xff=;;\r\nContent-Length: 0\r\n\r\n")
@example(data=b"HTTP/1.1 200 OK\r\nRetry-After: \xc2\xb2\r\nContent-Length: 0\r\n\r\n")
async def test_no_answer_makes_a_post_raise(data: bytes) -> None:
    reply = await post_once(Raw(data), total_timeout_s=2)

    assert reply.outcome in Outcome


# What goes wrong before an answer


async def test_a_closed_port_is_refused(sender: Outgoing) -> None:
    reply = await sender.post(f"http://127.0.0.1:{await closed_port()}/", b"", {})

    assert reply == Reply(Outcome.REFUSED, None, b"", reply.duration_ms, None)


@pytest.mark.parametrize("error", [socket.gaierror(socket.EAI_NONAME, "unknown"), OSError("no server"), None])
async def test_an_unknown_name_is_dns(error: OSError | None) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        if error:
            raise error
        return []

    async with Outgoing(resolve=resolve) as sender:
        reply = await sender.post("http://receiver.invalid/", b"", {})

    assert reply.outcome == Outcome.DNS


async def test_a_name_that_takes_too_long_is_a_timeout() -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return await asyncio.Event().wait() and []

    async with Outgoing(resolve=resolve, connect_timeout_s=0.05) as sender:
        reply = await sender.post("http://receiver.invalid/", b"", {})

    assert reply.outcome == Outcome.TIMEOUT


@pytest.mark.parametrize("behaviour", [Hang(), Answer(delay_s=5)])
async def test_a_late_answer_is_a_timeout(behaviour: Behaviour) -> None:
    reply = await post_once(behaviour, total_timeout_s=0.1)

    assert (reply.outcome, reply.status) == (Outcome.TIMEOUT, None)
    assert 90 <= reply.duration_ms < 2_000


async def test_plain_http_behind_an_https_url_is_tls(sender: Outgoing, receiver: Receiver) -> None:
    reply = await sender.post(receiver.url.replace("http:", "https:"), b"", {})

    assert (reply.outcome, receiver.requests) == (Outcome.TLS, [])


@pytest.mark.parametrize(
    ("host", "trusted", "outcome"),
    [
        ("receiver.test", True, Outcome.OK),
        ("another.test", True, Outcome.TLS),
        ("receiver.test", False, Outcome.TLS),
    ],
)
async def test_a_certificate_must_be_trusted_and_bear_the_name(
    certificate: Path, host: str, trusted: bool, outcome: Outcome
) -> None:
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate)
    trust = ssl.create_default_context(cafile=certificate) if trusted else None

    async with (
        Receiver(tls=serving) as receiver,
        Outgoing(LOOPBACK, resolve=answering("127.0.0.1"), tls=trust) as sender,
    ):
        reply = await sender.post(f"https://{host}:{receiver.port}/", b"", {})

    assert reply.outcome == outcome
    assert len(receiver.requests) == (outcome == Outcome.OK)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    openssl = shutil.which("openssl") or pytest.skip("needs openssl to make a certificate")
    path = tmp_path_factory.mktemp("tls") / "receiver.pem"
    certificate = path.with_suffix(".crt")
    name = ["-subj", "/CN=receiver.test", "-addext", "subjectAltName=DNS:receiver.test"]
    made = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", str(path), "-out", str(certificate)]
    subprocess.run([openssl, "req", *made, *name], check=True, capture_output=True)
    path.write_text(path.read_text() + certificate.read_text())
    return path


async def test_lack_of_our_own_sockets_is_raised_and_not_blamed_on_the_receiver(sender: Outgoing) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.dup(0)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
    try:
        with pytest.raises(OSError, match="Too many open files"):
            await sender.post("http://127.0.0.1:9/", b"", {})
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# What is never reached

REFUSED_ADDRESSES = """
    0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.100.100.200 127.0.0.1 127.255.255.254 168.63.129.16
    169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.192 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1
    198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255
    :: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:a9fe:a9fe ::ffff:0:127.0.0.1 64:ff9b::10.0.0.1
    64:ff9b::a9fe:a9fe 64:ff9b:1::1 100::1 2001::1 2001:0:7f00:1:: 2001:db8::1 2002:7f00:1:: 2002:a00:1::1
    3fff::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 fe80::1%eth0 2606:4700::1111%eth0 fec0::1 ff02::1
    localhost 127.1 0177.0.0.1 0x7f.0.0.1 2130706433
"""

PUBLIC_ADDRESSES = """
    1.1.1.1 172.32.0.1 192.0.1.1 100.128.0.1 2606:4700::1111 2a00:1450::5 ::ffff:1.1.1.1 64:ff9b::1.1.1.1
"""


@pytest.mark.parametrize("address", [*REFUSED_ADDRESSES.split(), ""])
def test_a_private_or_odd_address_is_not_allowed(address: str) -> None:
    assert not is_allowed(address)


@pytest.mark.parametrize("address", PUBLIC_ADDRESSES.split())
def test_a_public_address_is_allowed(address: str) -> None:
    assert is_allowed(address)


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_what_is_allowed_is_global_to_the_standard_library_too(address: IPv4Address | IPv6Address) -> None:
    mapped = isinstance(address, IPv6Address) and (address.ipv4_mapped or address in ip_network("64:ff9b::/96"))

    assert mapped or not is_allowed(str(address)) or (address.is_global and not address.is_multicast)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_in_ipv6_clothes_is_judged_alike(address: IPv4Address) -> None:
    judged = {is_allowed(f"{prefix}{address}") for prefix in ("", "::ffff:", "64:ff9b::")}

    assert len(judged) == 1


@given(st.ip_addresses())
def test_an_allowed_network_is_open(address: IPv4Address | IPv6Address) -> None:
    assert is_allowed(str(address), EVERYTHING)
    assert is_allowed(str(address), [ip_network(address)])


PRIVATE_URLS = """
    http://127.0.0.1/ http://169.254.169.254/latest/meta-data/ http://0.0.0.0/ http://[::]/ http://[::1]:80/
    http://[::ffff:127.0.0.1]/ http://[0:0:0:0:0:ffff:7f00:1]/ http://[64:ff9b::7f00:1]/
    http://[2002:7f00:1::]/ http://①②⑦.⓪.⓪.①/ http://127。0。0。1/ http://localhost/ http://LOCALHOST./
    http://a.localhost/
"""

INVALID_URLS = """
    http://[fe80::1%25eth0]/ http://[fe80::1%eth0]/ http://2130706433/ http://0x7f.1/ http://0x7f000001/
    http://017700000001/ http://0177.0.0.1/ http://127.1/ http://127.0.0.1./ http://127.0.0.%31/
    http://public.example.0x1/ http://localhost../ http://a..example/ http://name@public.example/
    http://:pass@public.example/ http://@public.example/ http://public.example:0/ http://public.example:65536/
    http://public.example:-1/ http://public.example:80:80/ http:///path http:path //public.example/
    public.example file:///etc/passwd ftp://public.example/ gopher://public.example/ tcp://public.example/
    http://[::1
"""

MORE_INVALID_URLS = [
    "",
    " http://public.example/",
    "http://public.example/ HTTP/1.1",
    "http://public.example/\r\nX: y",
    "http://public.example\\@127.0.0.1/",
    f"http://{'a' * 64}.example/",
    f"http://{'a.' * 127}example/",
]


@pytest.mark.parametrize(
    ("url", "outcome"),
    [(url, Outcome.PRIVATE_ADDRESS) for url in PRIVATE_URLS.split()]
    + [(url, Outcome.INVALID_URL) for url in [*INVALID_URLS.split(), *MORE_INVALID_URLS]],
)
async def test_an_evil_url_is_refused_when_written_and_when_called(url: str, outcome: Outcome) -> None:
    async with Outgoing(resolve=answering("127.0.0.1")) as sender:
        reply = await sender.post(url, b"", {})

    assert check_url(url) is not None
    assert (reply.outcome, reply.status) == (outcome, None)


@pytest.mark.parametrize(
    "url",
    [
        "https://public.example",
        "https://public.example./hook?a=b#c",
        "HTTPS://PUBLIC.EXAMPLE:8443/",
        "http://bücher.example/straße",
        "http://xn--bcher-kva.example/",
        "http://my_host-1/",
        "http://1.example/",
        "http://1.1.1.1/",
        "http://[2606:4700::1111]:8080/",
    ],
)
def test_a_common_url_may_be_called(url: str) -> None:
    assert check_url(url) is None


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/", "http://[::1]/", "http://localhost/"])
def test_a_private_url_may_be_called_where_the_operator_allows(url: str) -> None:
    assert check_url(url, LOOPBACK) is None
    assert check_url(url, [ip_network("10.0.0.0/8")]) is not None


@given(st.text() | st.text().map(lambda rest: f"http://{rest}"))
def test_no_text_makes_the_url_check_raise(url: str) -> None:
    assert check_url(url) != ""


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["1.1.1.1", "127.0.0.1"], ["::ffff:7f00:1"], ["fe80::1%2"], ["odd"]]
)
async def test_a_name_with_one_private_address_is_not_called(receiver: Receiver, addresses: list[str]) -> None:
    async with Outgoing(resolve=answering(*addresses)) as sender:
        replies = await asyncio.gather(
            *(sender.post(f"http://public.example:{receiver.port}/", b"", {}) for _ in range(3))
        )

    assert {reply.outcome for reply in replies} == {Outcome.PRIVATE_ADDRESS}
    assert receiver.connections == 0


async def test_a_name_that_turns_private_is_refused_and_nothing_arrives() -> None:
    # 127.0.0.2 stands for the public address and 127.0.0.1, on the same port, for what lies inside.
    found = iter(["127.0.0.2", "127.0.0.1"])

    async def resolve(host: str, port: int) -> list[str]:
        return [next(found)]

    async with (
        Receiver(Answer(headers={"Connection": "close"}), host="127.0.0.2") as public,
        Receiver(port=public.port) as inside,
        Outgoing([ip_network("127.0.0.2/32")], resolve=resolve, dns_cache_s=0) as sender,
    ):
        replies = [await sender.post(f"http://rebind.example:{public.port}/", b"", {}) for _ in range(2)]

    assert [reply.outcome for reply in replies] == [Outcome.OK, Outcome.PRIVATE_ADDRESS]
    assert (len(public.requests), inside.connections) == (1, 0)


async def test_a_name_is_looked_up_once_for_many_posts(receiver: Receiver) -> None:
    asked: list[str] = []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    async with Outgoing(LOOPBACK, resolve=resolve) as sender:
        for _ in range(3):
            await sender.post(f"http://public.example:{receiver.port}/", b"", {})

    assert asked == ["public.example"]


async def test_the_system_resolves_localhost(receiver: Receiver) -> None:
    async with Outgoing(LOOPBACK) as sender:
        reply = await sender.post(f"http://localhost:{receiver.port}/", b"", {})

    assert reply.outcome == Outcome.OK


# When to come back


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 0 ", 0),
        ("9" * 5_000, 86_400),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90),
        ("Sunday, 01-Mar-26 12:01:00 GMT", 60),
        (format_datetime(NOW - timedelta(hours=1), usegmt=True), 0),
        (format_datetime(NOW + timedelta(days=400), usegmt=True), 86_400),
        ("-5", None),
        ("1.5", None),
        ("²", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_read_and_bounded(value: str | None, seconds: int | None) -> None:
    assert retry_after_s(value, NOW) == seconds


@given(st.text())
def test_no_retry_after_raises(value: str) -> None:
    seconds = retry_after_s(value, NOW)

    assert seconds is None or 0 <= seconds <= 86_400


async def test_a_reply_says_when_to_come_back() -> None:
    reply = await post_once(Answer(429, {"Retry-After": "7"}))

    assert (reply.outcome, reply.retry_after_s) == (Outcome.HTTP_4XX, 7)


# The receiver itself


async def test_a_receiver_plays_its_script_and_tells_when_requests_come(sender: Outgoing, receiver: Receiver) -> None:
    receiver.answer_with([Answer(500), Answer(201)])

    posts = [asyncio.create_task(sender.post(receiver.url, b"x", {})) for _ in range(3)]
    requests: list[Request] = await receiver.wait_for(3)

    assert [request.body for request in requests] == [b"x"] * 3
    assert sorted([(await post).status for post in posts], key=str) == [201, 201, 500]


async def test_waiting_for_what_never_comes_fails(receiver: Receiver) -> None:
    with pytest.raises(AssertionError, match="0 of 1 requests"):
        await receiver.wait_for(1, timeout_s=0.01)
