"""One shard against redis-server, each on the same core, the client on another."""

import figures


def measure(bench):
    # Shard 0 pins itself to CPU 0; the rest of the process is kept there too.
    client_cpu = bench.options.cpus.split(",")[-1]
    durability = {"appendonly": "yes", "appendfsync": "everysec"}
    servers = [
        bench.redis("redis everysec", cpus="0", **durability),
        bench.basalt("basalt 1 shard", 1, cpus="0", shard_cpu_pinning="yes", **durability),
    ]
    rows = []
    for command, share in (("GET", "1"), ("SET", "0")):
        for depth in (1, 16):
            load = ["--read-share", share, "-P", str(depth), "--keys", str(bench.options.keys),
                    "--cpus", client_cpu]
            label = f"{command} P{depth}"
            result = bench.compare(f"{command}-P{depth}".lower(), servers, load, prefill=not rows)
            rows += figures.load_rows(label, result)
    return [{"columns": figures.LOAD_COLUMNS, "rows": rows}], [
        figures.load_plot("", "One shard on one core, client on another", rows)
    ]
