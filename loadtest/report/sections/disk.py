"""Space: bytes on disk for a byte of data, when written, while rewritten, and afterwards."""

import figures
from servers import Sampler

VALUE_BYTES = 1000
KEY_BYTES = 16


def measure(bench):
    raw = (bench.options.data_mb or bench.pick(1000, 50)) * 1_000_000
    keys = raw // (VALUE_BYTES + KEY_BYTES)
    durability = {"appendonly": "yes", "appendfsync": "everysec"}
    makers = [
        lambda: bench.redis("redis everysec", **durability),
        lambda: bench.basalt("basalt 2 shards", 2, **durability),
    ]
    rows, lines = [], {}
    for make in makers:
        server = make()
        load = ["--keys", str(keys), "--value-size", str(VALUE_BYTES), "--value-kind", "json"]
        with Sampler(0.25, server.disk_bytes) as sampler:
            bench.prefill(f"first-{server.name}", server, load)
            server.settle(bench.pick(120, 8))
            once = server.disk_bytes()
            for seed in ("2", "3"):
                bench.prefill(f"again-{seed}-{server.name}", server, [*load, "--seed", seed])
            server.settle(bench.pick(120, 8))
            final = server.disk_bytes()
        sizes = [size for _, size in sampler.samples]
        peak = max(*sizes, once, final)
        lines[server.name] = [[at for at, _ in sampler.samples], [size / raw for size in sizes]]
        rows.append([server.name, raw / 1e6, *(size / raw for size in (once, peak, final))])
        bench.end(server)
    columns = ["server", "raw MB", "written once: ratio", "peak: ratio", "written 3 times: ratio"]
    plot = {
        "kind": "timeline", "name": "", "x_label": "seconds since the start",
        "title": f"{figures.text(raw / 1e6)} MB of JSON-like values, written three times over",
        "panels": [{"label": "bytes on disk / raw bytes", "height": 2, "series": lines}],
    }
    return [{"columns": columns, "rows": rows}], [plot]
