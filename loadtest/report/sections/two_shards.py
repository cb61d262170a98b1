"""What a second shard costs and gives when the load needs the same two cores."""

import figures


def measure(bench):
    cpus = bench.options.cpus
    servers = [
        bench.redis("redis", cpus=cpus),
        bench.redis("redis io-threads 2", cpus=cpus, io_threads=2, io_threads_do_reads="yes"),
        bench.basalt("basalt 1 shard", 1, cpus=cpus, appendfsync="everysec"),
        bench.basalt("basalt 2 shards", 2, cpus=cpus, appendfsync="everysec"),
    ]
    rows = []
    for depth in (1, 16):
        load = ["--read-share", "1", "-P", str(depth), "--keys", str(bench.options.keys)]
        result = bench.compare(f"get-p{depth}", servers, load, prefill=not rows)
        rows += figures.load_rows(f"GET P{depth}", result)
    return [{"columns": figures.LOAD_COLUMNS, "rows": rows}], [
        figures.load_plot("", "Servers and load on the same two cores", rows)
    ]
