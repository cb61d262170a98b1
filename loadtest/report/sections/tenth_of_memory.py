"""How fast reads are when Basalt has a tenth of the memory that redis-server takes for the same keys."""

import figures

MIB = 2**20


def measure(bench):
    options = bench.options
    servers = [
        bench.redis("redis", cpus=options.cpus),
        bench.basalt("basalt 2 shards", 2, cpus=options.cpus, maxmemory=f"{options.tenth_mb}mb",
                     appendfsync="everysec"),
    ]
    keys = ["--keys", str(options.tenth_keys)]
    rows = [fill(bench, server, keys) for server in servers]
    rows[1][3], rows[1][5] = (figures.ratio(rows[1][at], rows[0][at]) for at in (2, 4))
    loaded = [server.resident_bytes() for server in servers]
    reads = [*keys, "--read-share", "1", "--distribution", "zipf", "--theta", "0.99"]
    # Until the keys that are read most are in Basalt's caches.
    warm_up = ["--warm-up", "0s", "--duration", f"{bench.pick(30, 1)}s", "--quiet"]
    for server in servers:
        bench.run(f"warm-up-{server.name}", server, [*reads, *warm_up])
    before = [server.info() for server in servers]
    # Other servers do not have the keys.
    result = bench.compare("get-zipf", servers, reads, peers=False)
    rows += figures.load_rows("GET zipf 0.99, P1", result)
    after = [server.info() for server in servers]
    read = [server.resident_bytes() for server in servers]
    resident = []
    for at, server in enumerate(servers):
        ratios = [figures.ratio(of[at], of[0]) if at else None for of in (loaded, read)]
        resident.append([server.name, loaded[at] / MIB, ratios[0], read[at] / MIB, ratios[1],
                         *from_disk(before[at], after[at])])
    columns = ["server", "MiB after the SETs", "ratio", "MiB after the GETs", "ratio",
               "% of GETs that looked on the disk", "blocks read/GET"]
    return [
        {"columns": columns, "rows": resident},
        {"columns": figures.LOAD_COLUMNS, "rows": rows},
    ], [figures.load_plot("", f"{options.tenth_keys:,} keys, a tenth of the memory", rows)]


def fill(bench, server, keys):
    """Writes every key once, one after the other; the row of the load."""
    load = [*keys, "--read-share", "0", "--distribution", "sequential", "-P", "16",
            "-n", str(bench.options.tenth_keys), "--warm-up", "0s", "--interval", "10s", "--quiet"]
    result = bench.run(f"set-{server.name}", server, load)["result"]
    server.settle(bench.pick(120, 5))
    present = int(server.ask("DBSIZE"))
    if present != bench.options.tenth_keys:
        bench.note(f"{server.name} has {present} of {bench.options.tenth_keys} keys")
    latency = result["latency_us"]
    cpu = (result["server_cpu"] or {}).get("us_per_op")
    return ["SET in order, P16", server.name, result["throughput"], None, cpu, None,
            latency["p50"], latency["p99"], latency["p99.9"]]


def from_disk(before, after):
    """Of the commands between two INFOs: which percentage memory did not answer, and how many blocks
    came from the disk for one; nothing where the server does not say."""
    commands = after["total_commands_processed"] - before["total_commands_processed"]

    def grown(field):
        step = figures.steps([before.get(field), after.get(field)])[1]
        return figures.ratio(step, commands)

    looks = grown("engine_disk_lookups")
    return [None if looks is None else 100 * looks, grown("blocks_read")]
