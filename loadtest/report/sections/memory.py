"""What a process, a key and an idle connection take in memory."""

import time

MIB = 2**20


def measure(bench):
    options = bench.options
    keys = options.memory_keys
    makers = [
        lambda: bench.redis("redis"),
        lambda: bench.basalt("basalt 2 shards", 2),
        lambda: bench.basalt(f"basalt 2 shards, maxmemory {options.memory_mb}mb", 2,
                             maxmemory=f"{options.memory_mb}mb"),
    ]
    rows = []
    for make in makers:
        server = make()
        time.sleep(1)
        idle = server.resident_bytes()
        connection = idle_connection(bench, server)
        before = server.resident_bytes()
        bench.prefill(f"prefill-{server.name}", server, ["--keys", str(keys)])
        server.settle(bench.pick(30, 3))
        full = server.resident_bytes()
        rows.append([server.name, idle / MIB, connection, full / MIB, (full - before) / keys])
        bench.end(server)
    columns = ["server", "idle MiB", "bytes/idle connection", f"MiB with {keys:,} keys",
               "bytes/key"]
    plot = {
        "kind": "bars", "name": "", "title": "Resident memory",
        "groups": ["idle", f"{keys:,} keys"],
        "panels": [{"label": "MiB", "series": {row[0]: [row[1], row[3]] for row in rows}}],
    }
    return [{"columns": columns, "rows": rows}], [plot]


def idle_connection(bench, server):
    load = ["idle", "--addr", server.address, "--pid", str(server.pid), "--connections",
            str(bench.pick(1000, 200))]
    return bench.load(f"idle-{server.name}", load)["rss_bytes_per_connection"]
