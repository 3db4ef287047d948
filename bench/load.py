"""HTTP load by wrk: one thread, many connections, every request about another lead."""

import re
import shutil
import subprocess
from pathlib import Path

from bench.dataset import COMPANIES, LEADS
from bench.table import Row

_COMMON = f"""
local companies, leads = {COMPANIES}, {LEADS}
local function id(prefix, n) return string.format("000000" .. prefix .. "-0000-7000-8000-%012x", n) end
local function headers(company)
  return {{ ["X-API-Key"] = "lr_bench_" .. company, ["Content-Type"] = "application/json" }}
end
local cached = {{}}
for company = 0, companies - 1 do cached[company] = headers(company) end
math.randomseed(os.time())
"""

STATUS_CHANGE = (
    _COMMON
    + """
local names = { "New", "Qualified", "Won", "Lost" }
local at = {}
request = function()
  local n = math.random(0, leads - 1)
  local now = ((at[n] or 0) + 1) % 4
  at[n] = now
  return wrk.format("PUT", "/v1/leads/" .. id("1e", n) .. "/status", cached[n % companies],
    '{"status":"' .. names[now + 1] .. '"}')
end
"""
)

CREATE = (
    _COMMON
    + """
request = function()
  local company, r = math.random(0, companies - 1), math.random(1, 2000000000)
  return wrk.format("POST", "/v1/leads", cached[company],
    '{"channel_id":"' .. id("ca", company) .. '","email":"new' .. r .. '@example.com","phone":"+1415' ..
    string.format("%07d", r % 10000000) ..
    '","first_name":"First","last_name":"Last","company_name":"Company","source":"website"}')
end
"""
)

SCRIPTS = {"status change": STATUS_CHANGE, "create": CREATE}


def check() -> None:
    """Raises RuntimeError when wrk is not there."""
    if shutil.which("wrk") is None:
        raise RuntimeError("the bench drives HTTP with wrk: install it (apt-get install wrk) and run again")


def run(
    base_url: str,
    folder: Path,
    operation: str,
    contender: str,
    connections: int,
    seconds: int,
    *,
    at_most: float | None = None,
    script: str | None = None,
) -> Row:
    """One run; `at_most` requests a second when every connection waits between two of its own.

    `script` in place of the one that the operation has for the usual data set.
    """
    file = folder / "script.lua"
    pause = f"delay = function() return math.random(0, {2000 * connections / at_most:.0f}) end\n" if at_most else ""
    file.write_text((script or SCRIPTS[operation]) + pause)
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(file), base_url]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])  # type: ignore[index]
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    errors = int(refused[1]) if refused else 0
    errors += sum(map(int, broken.groups())) if broken else 0
    return Row(operation, contender, connections, rate, _latency(text, "50%"), _latency(text, "99%"), errors)


def _latency(text: str, which: str) -> float:
    """A percentile of wrk's table, in milliseconds."""
    found = re.search(rf"^\s+{which}\s+([\d.]+)(us|ms|s)", text, re.MULTILINE)
    if found is None:
        return 0.0
    return float(found[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[found[2]]
