"""Runs the benchmarks and writes the report; `run.sh` builds what it needs and calls it."""

import argparse
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import machine
import sections
from bench import Bench, has, say
from render import render

ROOT = Path(__file__).resolve().parents[2]


def parse(arguments):
    names = list(sections.ALL)
    parser = argparse.ArgumentParser(
        prog="loadtest/report/run.sh",
        description="Compare Basalt with redis-server and write a report with tables and plots.",
        epilog="Sections: " + ", ".join(names),
    )
    add = parser.add_argument
    add("--section", action="append", choices=names, metavar="NAME",
        help="only this section; may be given several times")
    add("--quick", action="store_true",
        help="see that everything works, in some minutes; the figures are worth little")
    add("--out", type=Path, metavar="DIR",
        help="the report's directory; sections in it that are not measured now stay [benchmarks, "
             "with --quick target/benchmarks-quick]")
    add("--work", type=Path, metavar="DIR",
        help="data of the servers, removed at the end; on the disk that is to be measured "
             "[target]")
    add("--render", action="store_true", help="only write report.md and plots anew from --out")
    add("--no-plots", action="store_true", help="tables only; needs no matplotlib")
    add("--peer", action="append", default=[], metavar="NAME=HOST:PORT",
        help="another server to compare with, running already; it is written to")
    add("--binaries", type=Path, default=ROOT / "target/release", metavar="DIR",
        help="where basalt and basalt-loadtest are")
    add("--redis-server", default="redis-server", metavar="PROGRAM")
    add("--cpus", default=",".join(str(cpu) for cpu in sorted(os.sched_getaffinity(0))[:2]),
        metavar="A,B",
        help="the two CPUs of the comparisons; pinned has the server on 0, the client on B "
             "[%(default)s]")
    add("--client-threads", type=int, default=1, metavar="N")
    add("--rounds", type=int, metavar="N", help="alternating rounds of a comparison [5]")
    add("--seconds", type=float, metavar="S", help="one measurement [10]")
    add("--keys", type=int, metavar="N", help="keys in memory, where all fit [100000]")
    add("--minutes", type=float, metavar="M", help="larger-than-memory: the load [20]")
    add("--memory-mb", type=int, metavar="MB", help="maxmemory where data is larger [256]")
    add("--data-mb", type=int, metavar="MB",
        help="data of larger-than-memory, cold and profile [2500], disk, start [1000]")
    add("--memory-keys", type=int, metavar="N", help="keys of section memory [1000000]")
    add("--tenth-keys", type=int, metavar="N", help="keys of tenth-of-memory [10000000]")
    add("--tenth-mb", type=int, metavar="MB",
        help="tenth-of-memory: maxmemory with which Basalt takes a tenth of what redis-server does for "
             "those keys [176]")
    add("--keep-page-cache", action="store_true",
        help="larger-than-memory, cold, profile: let the kernel keep copies of the table files")
    add("--time-max", type=float, default=180, metavar="M", help="minutes for one load [180]")
    options = parser.parse_args(arguments)
    defaults = {"rounds": (5, 2), "seconds": (10, 1), "keys": (100_000, 10_000),
                "minutes": (20, 0.25), "memory_mb": (256, 64), "memory_keys": (1_000_000, 50_000),
                "tenth_keys": (10_000_000, 200_000), "tenth_mb": (176, 32)}
    for name, values in defaults.items():
        if getattr(options, name) is None:
            setattr(options, name, values[options.quick])
    if options.out is None:
        target = options.binaries.parent
        options.out = target / "benchmarks-quick" if options.quick else ROOT / "benchmarks"
    return options


def measure(name, options, work):
    """Runs one section; a failure of it is in the report and does not end the others."""
    say(f"== {name}")
    bench = Bench(options, name, options.out, work)
    title, about, measure_section = sections.ALL[name]
    load_average, begin = machine.load_average(), time.time()
    tables, plots = [], []
    with bench.servers:
        try:
            tables, plots = measure_section(bench)
        except (RuntimeError, OSError) as error:
            bench.note(f"FAILED: {error}")
    if float(load_average) > 0.5:
        bench.note(f"The machine was not idle when this began: load average {load_average}.")
    return {
        "title": title,
        "about": about,
        "tables": tables,
        "plots": plots,
        "notes": bench.notes,
        "settings": {
            "quick": options.quick,
            "begun": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(begin)),
            "minutes": round((time.time() - begin) / 60, 1),
            "load average before": load_average,
            "rounds": options.rounds,
            "seconds": options.seconds,
            "servers": bench.commands,
        },
    }


def stored(out):
    try:
        return json.loads((out / "results.json").read_text())
    except FileNotFoundError:
        return {"machine": {}, "sections": {}}


def main():
    options = parse(sys.argv[1:])
    results = stored(options.out)
    if options.render:
        render(results, options.out, not options.no_plots)
        return 0
    if not has(options.redis_server):
        say(f"{options.redis_server} is missing: apt-get install redis-server")
        return 1
    # An end by signal has to end the servers too: as an exception it goes through every `with`.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by a signal"))
    options.out.mkdir(parents=True, exist_ok=True)
    parent = options.work or options.binaries.parent
    parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="benchmarks-data-", dir=parent.resolve()))
    failed = False
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, work, ignore_errors=True)
        results["machine"] = machine.describe(options, work)
        for name in options.section or sections.ALL:
            section = measure(name, options, work)
            failed |= any(note.startswith("FAILED") for note in section["notes"])
            results["sections"][name] = section
            # In the order of the list, whatever the order they were measured in.
            results["sections"] = {
                known: results["sections"][known]
                for known in sections.ALL if known in results["sections"]
            }
            render(results, options.out, not options.no_plots)
    say(f"the report is {options.out / 'report.md'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
