"""Reads that have to go to the disk, beside what the disk can do."""

import json
import subprocess

import figures
import machine
from bench import has

VALUE_BYTES = 1000
# As the table files have it, before compression.
BLOCK_BYTES = 4096
CONNECTIONS = 50
SHARDS = 2
# Basalt's default, `blocking-threads`: as many reads a shard has at the disk at once.
BLOCKING_THREADS = 8


def measure(bench):
    options = bench.options
    server, load = fill(bench, "basalt 2 shards")
    seconds = bench.pick(3 * options.seconds, options.seconds)
    rows = []
    for name, distribution in (("uniform", ["uniform"]), ("zipf 0.99", ["zipf", "--theta", "0.99"])):
        reads = [*load, "--distribution", *distribution, *bench.timing(seconds)]
        rows.append([f"GET {name}, {CONNECTIONS} conn.", *read(bench, server, name, reads)])
    bench.end(server)
    rates = [row[1] for row in rows]
    for depth in (SHARDS * BLOCKING_THREADS, CONNECTIONS):
        rate = fio(bench, data_bytes(options), depth, bench.pick(20, 2))
        if rate:
            rows.append([f"fio, {depth} reads at once", rate[0], None, None,
                         None, None, rate[1], float(BLOCK_BYTES)])
            rates.append(rate[0])
    disk_rate = rates[2] if len(rates) > 2 else None
    for row in rows:
        row.insert(2, figures.ratio(row[1], disk_rate))
    columns = ["", "reads/s", "ratio to fio", "p50 us", "p99 us", "p99.9 us", "CPU us/op",
               "CPUs busy us/op", "bytes from disk/read"]
    plot = {
        "kind": "bars", "name": "", "title": "Random reads that meet the disk",
        "groups": ["reads"],
        "panels": [{"label": "reads per second", "series": {row[0]: [row[1]] for row in rows}}],
    }
    return [{"columns": columns, "rows": rows}], [plot]


def data_bytes(options):
    return options.data_mb * 1_000_000 if options.data_mb else 10 * options.memory_mb * 2**20


def fill(bench, name):
    """A server whose data has come to rest, and the options of the load that reads it."""
    server = bench.basalt(name, SHARDS, maxmemory=f"{bench.options.memory_mb}mb",
                          blocking_threads=BLOCKING_THREADS, appendfsync="everysec")
    keys = ["--keys", str(data_bytes(bench.options) // (VALUE_BYTES + 16)),
            "--value-size", str(VALUE_BYTES)]
    bench.prefill("prefill", server, keys)
    server.settle(bench.pick(120, 10))
    return server, [*keys, "--read-share", "1", "-c", str(CONNECTIONS)]


def read(bench, server, name, load):
    """Rate, percentiles, CPU of the server and of all CPUs, and bytes that came from the disk for
    each read."""
    before, busy = server.disk_bytes_read(), machine.busy_us()
    with bench.without_page_cache(server):
        result = bench.run(f"get-{name.replace(' ', '-')}", server, load)["result"]
    # The warm-up's reads came from the disk too, and are not counted.
    seconds = result["elapsed_seconds"]
    share = seconds / (seconds + bench.warm_up) / max(result["requests"], 1)
    fetched = (server.disk_bytes_read() - before) * share
    busy = (machine.busy_us() - busy) * share
    latency = result["latency_us"]
    cpu = (result["server_cpu"] or {}).get("us_per_op")
    percentiles = [latency["p50"], latency["p99"], latency["p99.9"]]
    return [result["throughput"], *percentiles, cpu, busy, fetched]


def fio(bench, size, depth, seconds):
    """Random reads of a block per second, of the same disk, past the page cache; and how long CPUs
    were busy for one, which bounds what any server can do that reads so."""
    if not has("fio"):
        bench.note("fio is missing, so there is no rate of the disk: apt-get install fio")
        return None
    path = bench.work / "fio.data"
    command = ["fio", "--name=reads", f"--filename={path}", f"--size={size}", "--rw=randread",
               f"--bs={BLOCK_BYTES}", "--direct=1", "--ioengine=psync", f"--numjobs={depth}",
               "--thread", "--group_reporting", "--time_based", f"--runtime={seconds}",
               "--output-format=json"]
    try:
        # The file is laid out before, and not measured.
        subprocess.run([*command, "--create_only=1"], capture_output=True, timeout=900, check=True)
        busy = machine.busy_us()
        done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=True)
        busy = machine.busy_us() - busy
        # fio says other things before its JSON.
        report = json.loads(done.stdout[done.stdout.index("{"):])
        reads = report["jobs"][0]["read"]
        return reads["iops"], busy / max(reads["total_ios"], 1)
    except (subprocess.SubprocessError, ValueError, KeyError) as error:
        bench.note(f"fio gave no figure: {error}")
        return None
