"""pgbench of the wheel, doing Leadrail's transactions on Leadrail's schema: the yardstick."""

import re
import subprocess
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from bench.dataset import COMPANIES, LEADS, sql_id
from bench.table import Row
from leadrail.db.embedded.binaries import PROGRAMS, site_folder

# As long as what Leadrail writes: the event's data, and the delivery's payload with the lead in it.
_DATA = '{"from":{"id":"0","name":"New","category":"open"},"pad":"' + "x" * 330 + '"}'
_PAYLOAD = '{"id":"0","type":"lead.status_changed","pad":"' + "x" * 1250 + '"}'

_CHOOSE = f"\\set n random(0, {LEADS - 1})\n\\set c :n % {COMPANIES}\n\\set s random(0, 3)\n"
_COMPANY, _CHANNEL, _LEAD = sql_id("company", ":c"), sql_id("channel", ":c"), sql_id("lead", ":n")
_STATUS, _FIRST = sql_id("status", ":c * 4 + :s"), sql_id("status", ":c * 4")
_ENDPOINT = sql_id("endpoint", ":c")

_EVENT_COLUMNS = """events (company_id, seq, id, type, lead_id, channel_id, from_status_id, to_status_id, occurred_at,
    recorded_at, actor_kind, face, notice, data)"""
_DELIVERY_COLUMNS = """deliveries (company_id, event_seq, id, event_id, endpoint_company_id, endpoint_id, payload,
    due_at, created_at)"""
_LEAD_COLUMNS = """leads (company_id, id, number, channel_id, status_id, email, phone, first_name, last_name,
    company_name, source, currency, status_changed_at, created_at, updated_at, version)"""
_EMAIL = "'new' || :r::bigint::text || '@example.com'"
_PHONE = "'+1415' || lpad((:r::bigint % 10000000)::text, 7, '0')"
_LEAD_VALUES = f"""{_COMPANY}, {{id}}, {{number}}, {_CHANNEL}, {_FIRST}, {_EMAIL}, {_PHONE}, 'First', 'Last',
    'Company', 'website', 'EUR', now(), now(), now(), 1"""


def _event(seq: str, kind: str, lead: str, before: str, after: str) -> str:
    return f"""{_COMPANY}, {seq}, gen_random_uuid(), 'lead.{kind}', {lead}, {_CHANNEL}, {before}, {after}, now(), now(),
    'api_key', 'api', true, '{_DATA}'::json"""


def _delivery(seq: str) -> str:
    return (
        f"{_COMPANY}, {seq}, gen_random_uuid(), gen_random_uuid(), {_COMPANY}, {_ENDPOINT}, '{_PAYLOAD}', now(), now()"
    )


STATUS_SEPARATE = f"""{_CHOOSE}
BEGIN;
SELECT l.*, ch.config_version FROM leads l JOIN channels ch ON ch.company_id = l.company_id AND ch.id = l.channel_id
    WHERE l.company_id = {_COMPANY} AND l.id = {_LEAD} FOR UPDATE OF l;
UPDATE leads SET status_id = {_STATUS}, status_changed_at = now(), updated_at = now(), version = version + 1
    WHERE company_id = {_COMPANY} AND id = {_LEAD};
UPDATE event_counters SET last_seq = last_seq + 1 WHERE company_id = {_COMPANY} RETURNING last_seq \\gset
INSERT INTO {_EVENT_COLUMNS} VALUES ({_event(":last_seq::bigint", "status_changed", _LEAD, _FIRST, _STATUS)});
INSERT INTO {_DELIVERY_COLUMNS} VALUES ({_delivery(":last_seq::bigint")});
COMMIT;
"""

STATUS_CTE = f"""{_CHOOSE}
WITH moved AS (
    UPDATE leads SET status_id = {_STATUS}, status_changed_at = now(), updated_at = now(), version = version + 1
    WHERE company_id = {_COMPANY} AND id = {_LEAD}),
counted AS (UPDATE event_counters SET last_seq = last_seq + 1 WHERE company_id = {_COMPANY} RETURNING last_seq),
recorded AS (
    INSERT INTO {_EVENT_COLUMNS} SELECT {_event("last_seq", "status_changed", _LEAD, _FIRST, _STATUS)} FROM counted)
INSERT INTO {_DELIVERY_COLUMNS} SELECT {_delivery("last_seq")} FROM counted;
"""

_CHOOSE_NEW = f"\\set c random(0, {COMPANIES - 1})\n\\set r random(1, 2000000000)\n"

CREATE_SEPARATE = f"""{_CHOOSE_NEW}
BEGIN;
SELECT nextval('lead_numbers') AS number, gen_random_uuid() AS lead \\gset
INSERT INTO {_LEAD_COLUMNS} VALUES ({_LEAD_VALUES.format(id=":lead::uuid", number=":number::bigint")});
INSERT INTO lead_keys (company_id, kind, key, lead_id)
    VALUES ({_COMPANY}, 'email', {_EMAIL}, :lead::uuid), ({_COMPANY}, 'phone', {_PHONE}, :lead::uuid);
UPDATE event_counters SET last_seq = last_seq + 1 WHERE company_id = {_COMPANY} RETURNING last_seq \\gset
INSERT INTO {_EVENT_COLUMNS} VALUES ({_event(":last_seq::bigint", "created", ":lead::uuid", "NULL", _FIRST)});
INSERT INTO {_DELIVERY_COLUMNS} VALUES ({_delivery(":last_seq::bigint")});
COMMIT;
"""

CREATE_CTE = f"""{_CHOOSE_NEW}
WITH created AS (
    INSERT INTO {_LEAD_COLUMNS} SELECT {_LEAD_VALUES.format(id="gen_random_uuid()", number="nextval('lead_numbers')")}
    RETURNING id),
keyed AS (
    INSERT INTO lead_keys (company_id, kind, key, lead_id)
    SELECT {_COMPANY}, 'email', {_EMAIL}, id FROM created UNION ALL
    SELECT {_COMPANY}, 'phone', {_PHONE}, id FROM created),
counted AS (UPDATE event_counters SET last_seq = last_seq + 1 WHERE company_id = {_COMPANY} RETURNING last_seq),
recorded AS (
    INSERT INTO {_EVENT_COLUMNS} SELECT {_event("last_seq", "created", "created.id", "NULL::uuid", _FIRST)}
    FROM counted, created)
INSERT INTO {_DELIVERY_COLUMNS} SELECT {_delivery("last_seq")} FROM counted;
"""

SCRIPTS = {
    ("status change", "separate statements"): STATUS_SEPARATE,
    ("status change", "one CTE"): STATUS_CTE,
    ("create", "separate statements"): CREATE_SEPARATE,
    ("create", "one CTE"): CREATE_CTE,
}


def run(url: str, folder: Path, operation: str, manner: str, clients: int, seconds: int) -> Row:
    """One run of a script; the figures that pgbench prints."""
    script = folder / "script.sql"
    script.write_text(SCRIPTS[operation, manner])
    parts = urlsplit(url)
    host = parse_qs(parts.query)["host"][0]
    log = folder / "pgbench_log"
    command = [
        site_folder() / PROGRAMS / "pgbench",
        "-n",
        "-M",
        "prepared",
        "-f",
        script,
        "-c",
        clients,
        "-j",
        min(clients, 2),
    ]
    command += ["-T", seconds, "-l", "--log-prefix", log, "-h", host, "-U", "leadrail", "leadrail"]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"pgbench failed:\n{done.stderr[-2000:]}")
    rate = float(re.search(r"tps = ([\d.]+)", done.stdout)[1])  # type: ignore[index]
    p50, p99 = _percentiles(folder)
    return Row(operation, f"pgbench, {manner}", clients, rate, p50, p99, 0)


def _percentiles(folder: Path) -> tuple[float, float]:
    """p50 and p99 in milliseconds, of the per-transaction log."""
    times: list[int] = []
    for log in folder.glob("pgbench_log*"):
        times += [int(line.split()[2]) for line in log.read_text().splitlines()]
        log.unlink()
    times.sort()
    return times[len(times) // 2] / 1000, times[len(times) * 99 // 100] / 1000
