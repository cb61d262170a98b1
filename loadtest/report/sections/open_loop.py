"""Latencies at a rate that every server can stand."""

import figures


def measure(bench):
    cpus = bench.options.cpus
    servers = [
        bench.redis("redis", cpus=cpus),
        bench.basalt("basalt 1 shard", 1, cpus=cpus, appendfsync="everysec"),
        bench.basalt("basalt 2 shards", 2, cpus=cpus, appendfsync="everysec"),
    ]
    load = ["--read-share", "1", "--keys", str(bench.options.keys)]
    rounds = min(2, bench.options.rounds)
    closed = bench.compare("saturation", servers, load, rounds=rounds, prefill=True)
    saturation = figures.load_rows("closed loop, saturation", closed)
    rate = min(row[2] for row in saturation) / 2
    opened = bench.compare("half", servers, [*load, "--rate", f"{rate:.0f}"])
    rows = figures.load_rows(f"open loop, {rate:.0f}/s", opened)
    latencies = {row[1]: row[6:9] for row in rows}
    plot = {
        "kind": "bars", "name": "", "title": f"GET, open loop, {rate:.0f} per second",
        "groups": ["p50", "p99", "p99.9"],
        "panels": [{"label": "latency, µs", "log": True, "series": latencies}],
    }
    return [{"columns": figures.LOAD_COLUMNS, "rows": saturation + rows}], [plot]
