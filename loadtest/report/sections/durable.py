"""SET that is on the disk when the reply comes, for few and for many connections."""

import figures

LOADS = [(1, 1), (50, 1), (500, 1), (50, 16)]


def measure(bench):
    durability = {"appendonly": "yes", "appendfsync": "always"}
    servers = [bench.redis("redis always", **durability), bench.basalt("basalt 2 shards", 2)]
    rows = []
    for connections, depth in LOADS:
        load = ["--read-share", "0", "-c", str(connections), "-P", str(depth),
                "--keys", str(bench.options.keys)]
        result = bench.compare(f"set-c{connections}-p{depth}", servers, load, prefill=not rows)
        rows += figures.load_rows(f"{connections} conn. P{depth}", result)
    return [{"columns": figures.LOAD_COLUMNS, "rows": rows}], [
        figures.load_plot("", "SET with appendfsync always", rows)
    ]
