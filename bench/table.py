"""The result table: rates, latencies and ratios, printed and written down."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One measured run. Latencies in milliseconds; `errors` are answers that were no success."""

    operation: str
    contender: str
    connections: int
    per_second: float
    p50_ms: float
    p99_ms: float
    errors: int


def best(rows: list[Row], operation: str, contender: str) -> Row:
    """The fastest run of a contender, whatever its number of connections."""
    mine = [row for row in rows if (row.operation, row.contender) == (operation, contender)]
    return max(mine, key=lambda row: row.per_second)


def render(rows: list[Row]) -> str:
    """The table as Markdown; ratios are to pgbench's best figure with separate statements."""
    lines = [
        "| operation | contender | connections | per second | p50 ms | p99 ms | errors | to pgbench's best |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in sorted(rows, key=lambda row: (row.operation, row.contender, row.connections)):
        yardstick = best(rows, row.operation, "pgbench, separate statements").per_second
        lines.append(
            f"| {row.operation} | {row.contender} | {row.connections} | {row.per_second:,.0f} | {row.p50_ms:.2f} |"
            f" {row.p99_ms:.2f} | {row.errors} | {row.per_second / yardstick:.2f} |"
        )
    return "\n".join(lines) + "\n"
