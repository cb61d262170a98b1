"""How long a server with data takes to come back."""

import os
import threading
import time

VALUE_BYTES = 1000


def measure(bench):
    raw = (bench.options.data_mb or bench.pick(1000, 50)) * 1_000_000
    keys = raw // (VALUE_BYTES + 16)
    durability = {"appendonly": "yes", "appendfsync": "everysec"}
    makers = [
        lambda: bench.redis("redis everysec", **durability),
        lambda: bench.basalt("basalt 2 shards", 2, **durability),
    ]
    rows = []
    for make in makers:
        server = make()
        load = ["--keys", str(keys), "--value-size", str(VALUE_BYTES)]
        bench.prefill(f"prefill-{server.name}", server, load)
        stop = server.stop()
        clean = cold_start(server)
        check(bench, server, keys, "a clean stop")
        # The start has put away what was in the log; the kill is to meet as long a log again.
        bench.prefill(f"again-{server.name}", server, [*load, "--seed", "2"])
        kill_under_load(bench, server, load)
        killed = cold_start(server)
        check(bench, server, keys, "kill -9")
        rows.append([server.name, raw / 1e6, stop, clean, killed])
        bench.end(server)
    columns = ["server", "data MB", "clean stop s", "start after it s", "start after kill -9 s"]
    plot = {
        "kind": "bars", "name": "", "title": f"Start with {raw / 1e6:,.0f} MB of data",
        "groups": ["after a clean stop", "after kill -9"],
        "panels": [{"label": "seconds until PING is answered", "log": True,
                    "series": {row[0]: row[3:5] for row in rows}}],
    }
    return [{"columns": columns, "rows": rows}], [plot]


def cold_start(server):
    # Only what is on the disk can be dropped from the page cache.
    os.sync()
    server.drop_page_cache()
    return server.start()


def check(bench, server, keys, what):
    """Start times of a server that has lost keys are worth nothing."""
    seen = int(server.ask("DBSIZE"))
    if seen != keys:
        bench.note(f"{server.name} has {seen} of {keys} keys after {what}")


def kill_under_load(bench, server, load):
    seconds = bench.pick(10, 1)
    writes = [*load, "--read-share", "0", "--duration", f"{seconds + 2}s", "--warm-up", "0s",
              "--timeout", "500ms", "--quiet"]
    thread = threading.Thread(target=bench.doomed_run, args=(server, writes))
    thread.start()
    time.sleep(seconds)
    server.kill()
    thread.join()
