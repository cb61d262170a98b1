"""Whether somebody's durable writes are felt by those who only read other keys."""

import threading

import figures


def measure(bench):
    options = bench.options
    durability = {"appendonly": "yes", "appendfsync": "always"}
    servers = [bench.redis("redis always", **durability), bench.basalt("basalt 2 shards", 2)]
    rate = bench.pick(2000, 500)
    keys = ["--key-prefix", "read:", "--keys", str(options.keys)]
    for server in servers:
        bench.prefill(f"prefill-{server.name}", server, keys)
    seen = {(server.name, place): [] for server in servers for place in ("alone", "beside writes")}
    writes = {server.name: [] for server in servers}
    for number in range(options.rounds):
        for server in servers if number % 2 == 0 else reversed(servers):
            load = [*keys, "--read-share", "1", "--rate", str(rate), *bench.timing()]
            label = f"{server.name}-{number + 1}"
            seen[server.name, "alone"].append(bench.run(f"{label}-alone", server, load))
            with Writes(bench, f"{label}-writes", server) as writing:
                seen[server.name, "beside writes"].append(
                    bench.run(f"{label}-beside", server, load)
                )
            writes[server.name].append(writing.result["result"]["throughput"])
    rows, p99 = [], {server.name: [] for server in servers}
    for (name, place), runs in seen.items():
        def of(figure, runs=runs):
            return figures.median([run["result"]["latency_us"][figure] for run in runs])

        rate_of_writes = figures.median(writes[name]) if place != "alone" else None
        rows.append([name, place, of("p50"), of("p99"), of("p99.9"), of("max"), rate_of_writes])
        p99[name].append(of("p99"))
    columns = ["server", "GETs", "p50 us", "p99 us", "p99.9 us", "max us", "SETs/s meanwhile"]
    plot = {
        "kind": "bars", "name": "", "title": f"{rate} GETs/s of keys that nobody writes",
        "groups": ["alone", "beside writes"],
        "panels": [{"label": "GET p99, µs", "log": True, "series": p99}],
    }
    return [{"columns": columns, "rows": rows}], [plot]


class Writes:
    """A load of SETs that begins before and ends after what is measured beside it."""

    def __init__(self, bench, label, server):
        margin = 1
        seconds = bench.options.seconds + bench.warm_up + 2 * margin
        load = ["--read-share", "0", "--key-prefix", "write:", "--keys", str(bench.options.keys),
                "--warm-up", f"{margin}s", "--duration", f"{seconds}s", "--quiet"]
        self.failure = self.result = None
        self.begun = threading.Event()

        def work():
            try:
                self.result = bench.run(label, server, load)
            except (RuntimeError, OSError) as error:
                self.failure = error

        self.thread = threading.Thread(target=work)
        self.margin = margin

    def __enter__(self):
        self.thread.start()
        # Over the warm-up of the writes.
        self.thread.join(self.margin)
        return self

    def __exit__(self, *_):
        self.thread.join()
        if self.failure:
            raise self.failure
