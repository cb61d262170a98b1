"""What an operation costs in CPU time, by who and what, for the figures that are hard to reach: a
profile tells what the limit is."""

import os
import subprocess

import perf_profile
from bench import has
from sections import cold

# Samples a second of each CPU: enough for rows of a hundredth, and not in step with timers.
FREQUENCY = 1499
# Seconds of the load before and after what is sampled; perf needs some of them to begin.
MARGIN = 1


def measure(bench):
    refusal = why_not(bench.work)
    if refusal:
        bench.note(refusal)
        return [], []
    tables, panels = [], []
    for title, costs in [*gets(bench), durable_set(bench), cold_get(bench)]:
        # Each server's rate, and its cost by group and kind.
        rates = {server: rate for server, (rate, _) in costs.items()}
        costs = {server: cost for server, (_, cost) in costs.items()}
        work = [perf_profile.by_work(cost) for cost in costs.values()]
        tables += [summary(title, work, costs, rates), detail(title, costs)]
        panels.append(panel(title, list(costs), work))
    return tables, [{
        "kind": "stacked", "name": "", "title": "CPU time of an operation, µs", "panels": panels,
    }]


def gets(bench):
    """GETs of what is in memory, on the CPUs that server and load share."""
    cpus, keys = bench.options.cpus, ["--keys", str(bench.options.keys)]
    makers = [
        lambda: bench.redis("redis", cpus=cpus),
        lambda: bench.basalt("basalt 1 shard", 1, cpus=cpus, appendfsync="everysec"),
        lambda: bench.basalt("basalt 2 shards", 2, cpus=cpus, appendfsync="everysec"),
    ]
    found = {depth: {} for depth in (1, 16)}
    for make in makers:
        # One at a time: those that wait for a load do something now and then, too.
        server = make()
        bench.prefill(f"prefill-{server.name}", server, keys)
        for depth, costs in found.items():
            load = [*keys, "--read-share", "1", "-P", str(depth)]
            costs[server.name] = sample(bench, f"get-p{depth}", server, load)
        bench.end(server)
    return [(f"GET P{depth}", costs) for depth, costs in found.items()]


def durable_set(bench):
    makers = [
        lambda: bench.redis("redis always", appendonly="yes", appendfsync="always"),
        lambda: bench.basalt("basalt 2 shards always", 2),
    ]
    load = ["--keys", str(bench.options.keys), "--read-share", "0", "-c", "1"]
    costs = {}
    for make in makers:
        server = make()
        bench.prefill(f"prefill-{server.name}", server, load[:2])
        costs[server.name] = sample(bench, "set-durable", server, load)
        bench.end(server)
    return "durable SET, 1 connection", costs


def cold_get(bench):
    server, load = cold.fill(bench, "basalt 2 shards cold")
    with bench.without_page_cache(server):
        cost = sample(bench, "get-cold", server, [*load, "--distribution", "uniform"])
    bench.end(server)
    return "cold GET uniform", {server.name: cost}


def sample(bench, label, server, load):
    """Operations a second and what one costs."""
    seconds = bench.options.seconds
    timing = bench.timing(seconds + 2 * MARGIN)
    with Recording(bench.work / "perf.data", bench.warm_up + MARGIN, seconds) as recording:
        result = bench.run(f"{label}-{server.name}", server, [*load, *timing])["result"]
    rate = result["throughput"]
    threads = perf_profile.threads_of_server(server.thread_names())
    processes = perf_profile.Processes(bench.client, server.pid, threads)
    return rate, perf_profile.costs(recording.samples(), processes, os.cpu_count(), rate)


class Recording:
    """Samples of all CPUs for some seconds that begin after a delay."""

    def __init__(self, path, delay, seconds):
        self.path = path
        self.command = [*record(path), "--delay", str(round(delay * 1000)),
                        "--", "sleep", str(delay + seconds)]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        return self

    def __exit__(self, error, *_):
        if error:
            self.process.terminate()
        self.process.wait()

    def samples(self):
        script = ["perf", "script", "--input", str(self.path), "--no-inline",
                  "--fields", "comm,pid,ip,sym"]
        done = subprocess.run(script, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                              errors="replace", check=False)
        for status, command in ((self.process.returncode, self.command), (done.returncode, script)):
            if status != 0:
                raise RuntimeError(f"status {status} of {' '.join(command)}")
        return perf_profile.parse(done.stdout)


def record(path):
    # By the clock, so that idle time is sampled as well, and where a guest has no counters. Without
    # copies of the programs in the home directory.
    return ["perf", "record", "--all-cpus", "-g", "--event", "cpu-clock", "--freq", str(FREQUENCY),
            "--no-buildid-cache", "--output", str(path)]


def why_not(directory):
    """What is missing for a profile, as a remark; nothing if it can be had."""
    if not has("perf"):
        return "perf is missing, so there is no profile: apt-get install linux-perf"
    probe = subprocess.run([*record(directory / "perf.data"), "--", "true"], capture_output=True,
                           check=False)
    with open("/proc/kallsyms") as symbols:
        named = any(int(line.split()[0], 16) for line in symbols)
    if probe.returncode != 0 or not named:
        return ("perf may not see all CPUs and the kernel's symbols, so there is no profile: run this "
                "as root, or sysctl kernel.perf_event_paranoid=-1 kernel.kptr_restrict=0")
    return None


def summary(title, work, costs, rates):
    """What an operation is made of, and what is left of the CPUs."""
    rows = [[what or "all else", *us] for what, us in perf_profile.rows(work)]
    rows.append(["**together**", *(sum(sums.values()) for sums in work)])
    rows.append(["other processes meanwhile", *map(perf_profile.strangers, costs.values())])
    rows.append(["idle", *map(perf_profile.idle, costs.values())])
    rows.append(["operations/s", *rates.values()])
    return {"title": f"{title}: us of CPU for an operation", "columns": ["work", *costs], "rows": rows}


def detail(title, costs):
    """The same by thread too, threads in the order of the list."""
    sums = [perf_profile.by_thread_and_work(cost) for cost in costs.values()]
    *rows, (_, rest) = perf_profile.rows(sums)
    rows = [[*place, *us] for place, us in rows]
    rows.sort(key=lambda row: perf_profile.GROUPS.index(row[0]))
    rows.append(["all else", "", *rest])
    return {"title": f"{title}: by thread and work", "columns": ["threads", "work", *costs],
            "rows": rows}


def panel(title, servers, work):
    series = {what or "all else": us for what, us in perf_profile.rows(work)}
    return {"label": title, "groups": servers, "series": series}
