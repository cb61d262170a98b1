"""Figures out of what was measured: medians, ratios, tables. Nothing here touches a server."""

LOAD_COLUMNS = [
    "load", "server", "ops/s", "ratio", "CPU us/op", "ratio", "p50 us", "p99 us", "p99.9 us",
]


def median(values):
    """The median of those that are there; None of nothing."""
    present = sorted(value for value in values if value is not None)
    if not present:
        return None
    middle = len(present) // 2
    if len(present) % 2:
        return present[middle]
    return (present[middle - 1] + present[middle]) / 2


def ratio(value, base):
    """How many times the base; None where one is missing or the base is nothing."""
    return value / base if value is not None and base else None


def text(value, unit_ratio=False):
    """A cell of a table: three significant digits, large numbers in groups of three."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    if unit_ratio:
        return f"{value:.2f}x"
    if isinstance(value, int) or abs(value) >= 100:
        return f"{value:,.0f}"
    if value == 0:
        return "0"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def markdown_table(columns, rows):
    """Text to the left, numbers to the right; a column called ratio holds multiples."""
    cells = [
        [text(value, "ratio" in column) for column, value in zip(columns, row)] for row in rows
    ]
    numeric = [
        any(isinstance(row[at], (int, float)) for row in rows) for at in range(len(columns))
    ]
    lines = [columns, ["---:" if number else "---" for number in numeric], *cells]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def load_rows(label, comparison):
    """One row a server out of what `basalt-loadtest compare --json` wrote."""
    rows = []
    for target in comparison["targets"]:
        metrics = target["metrics"]

        def of(key, what="median", metrics=metrics):
            return (metrics.get(key) or {}).get(what)

        first = not rows
        rows.append([
            label,
            target["server"]["name"],
            of("throughput"),
            None if first else of("throughput", "ratio_to_first"),
            of("server_cpu_us_per_op"),
            None if first else of("server_cpu_us_per_op", "ratio_to_first"),
            of("p50_us"),
            of("p99_us"),
            of("p99.9_us"),
        ])
    return rows


def load_plot(name, title, rows):
    """Bars of throughput, CPU and p99 for the rows of `load_rows`."""
    groups = list(dict.fromkeys(row[0] for row in rows))
    servers = list(dict.fromkeys(row[1] for row in rows))

    def series(column):
        cell = {(row[0], row[1]): row[column] for row in rows}
        return {server: [cell.get((group, server)) for group in groups] for server in servers}

    return {
        "kind": "bars",
        "name": name,
        "title": title,
        "groups": groups,
        "panels": [
            {"label": "operations per second", "series": series(2)},
            {"label": "server CPU per operation, µs", "log": spread(series(4)) > 10,
             "series": series(4)},
            {"label": "p99 latency, µs", "log": True, "series": series(7)},
        ],
    }


def spread(series):
    """How many times the least value the greatest is."""
    values = [value for values in series.values() for value in values if value]
    return max(values) / min(values) if values else 1


def parse_info(reply):
    """INFO as a dictionary; numbers as numbers."""
    fields = {}
    for line in reply.splitlines():
        name, colon, value = line.partition(":")
        if not colon or line.startswith("#"):
            continue
        try:
            fields[name] = int(value)
        except ValueError:
            try:
                fields[name] = float(value)
            except ValueError:
                fields[name] = value
    return fields


def steps(values):
    """What a counter grew by since the value before; None where either is missing."""
    return [None] + [
        None if before is None or after is None else after - before
        for before, after in zip(values, values[1:])
    ]


def percentile_line(timeline, command, figure):
    """The times and the figures (in ms) of one command in the timeline of a run."""
    points = [
        (moment["at_seconds"], moment["commands"][command][figure] / 1000)
        for moment in timeline
        if command in moment["commands"]
    ]
    return [[at for at, _ in points], [value for _, value in points]]
