"""Latencies over time while data larger than memory is read and rewritten, beside what the
server says of itself in those moments, so that one sees where spikes come from."""

import figures
from servers import Sampler

VALUE_BYTES = 1000

# INFO fields, where the server has them: how the panel is labelled, whether the field counts up,
# and what it is divided by.
FIELDS = {
    "loop_turns_over_10ms": ("loop turns over 10 ms", True, 1),
    "loop_turn_max_usec": ("longest loop turn, ms", False, 1e3),
    "engine_running_compactions": ("compactions running", False, 1),
    "engine_pending_compaction_bytes": ("compaction debt, MB", False, 1e6),
    "write_stalls": ("write stalls", True, 1),
}


def measure(bench):
    options = bench.options
    data_bytes = (options.data_mb or bench.pick(2500, 200)) * 1_000_000
    keys = data_bytes // (VALUE_BYTES + 16)
    server = bench.basalt("basalt 2 shards", 2, maxmemory=f"{options.memory_mb}mb",
                          appendfsync="everysec")
    load = ["--keys", str(keys), "--value-size", str(VALUE_BYTES)]
    bench.prefill("prefill", server, load)
    server.settle(bench.pick(120, 10))
    interval = bench.pick(5, 1)
    load += ["--read-share", "0.5", "--interval", f"{interval}s", "--warm-up", "0s",
             "--duration", f"{options.minutes}m"]
    with bench.without_page_cache(server), Sampler(interval, lambda: look(server)) as sampler:
        result = bench.run("load", server, load)["result"]
    return tables(result), [plot(result, sampler.samples, bench)]


def look(server):
    return {**server.info(), "resident_bytes": server.resident_bytes()}


def tables(result):
    rows = []
    for command, of in result["commands"].items():
        latency = of["latency_us"]
        rows.append([command.upper(), of["throughput"], latency["p50"], latency["p99"],
                     latency["p99.9"], latency["max"]])
    columns = ["command", "ops/s", "p50 us", "p99 us", "p99.9 us", "max us"]
    return [{"columns": columns, "rows": rows}]


def plot(result, samples, bench):
    timeline = result["timeline"]

    def latency(command):
        series = {
            name: figures.percentile_line(timeline, command, f"{name}_us")
            for name in ("max", "p99.9", "p99", "p50")
        }
        return {"label": f"{command.upper()}, ms", "log": True, "series": series, "height": 2}

    throughput = [[moment["at_seconds"] for moment in timeline],
                  [moment["throughput"] for moment in timeline]]
    times = [at for at, _ in samples]
    resident = [fields["resident_bytes"] / 1e6 for _, fields in samples]
    limit = bench.options.memory_mb * 2**20 / 1e6
    panels = [
        latency("get"),
        latency("set"),
        {"label": "ops/s", "series": {"operations": throughput}},
        {"label": "memory, MB", "series": {"resident": [times, resident],
                                           "maxmemory": [times, [limit] * len(times)]}},
    ]
    missing = []
    for field, (label, counts, divisor) in FIELDS.items():
        values = [fields.get(field) for _, fields in samples]
        if all(value is None for value in values):
            missing.append(field)
            continue
        values = figures.steps(values) if counts else values
        values = [None if value is None else value / divisor for value in values]
        panels.append({"label": label.replace(" ", "\n", 1), "steps": True,
                       "series": {label: [times, values]}})
    if missing:
        bench.note(f"INFO of this server has no {', '.join(missing)}.")
    return {
        "kind": "timeline", "name": "", "x_label": "seconds since the start", "panels": panels,
        "title": f"Half GET, half SET, {bench.options.memory_mb} MB of memory",
    }
