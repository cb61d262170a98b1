"""What a section has to measure with: servers of its own, loads, and places for the results."""

import contextlib
import json
import shutil
import subprocess
import sys
import threading

from servers import Sampler, Server

# Lines of the load generator that make figures worth less than they look.
WARNINGS = ("ERRORS:", "CLIENT BOUND:", "OVERLOAD:", "nil replies:")


def say(line):
    print(line, file=sys.stderr, flush=True)


class Bench:
    def __init__(self, options, section, out, work):
        self.options = options
        self.section = section
        self.raw = out / "raw"
        self.raw.mkdir(parents=True, exist_ok=True)
        self.work = work
        self.servers = contextlib.ExitStack()
        self.commands = {}
        self.notes = []
        # The process id of the last load, by which a profile knows it.
        self.client = None

    def pick(self, full, quick):
        return quick if self.options.quick else full

    def say(self, line):
        say(f"[{self.section}] {line}")

    def note(self, line):
        """A remark for the report."""
        self.say(line)
        if line not in self.notes:
            self.notes.append(line)

    # Servers. They end with the section.

    def basalt(self, name, shards, cpus=None, **directives):
        """Directives with _ for -, such as appendfsync="everysec"."""
        binary = str(self.options.binaries / "basalt")
        return self._server(name, [binary, "--shards", str(shards)], directives, cpus)

    def redis(self, name="redis", cpus=None, **directives):
        """redis-server without persistence unless the directives say otherwise."""
        directives = {"save": "", "appendonly": "no", **directives}
        return self._server(name, [self.options.redis_server], directives, cpus)

    def _server(self, name, command, directives, cpus):
        for directive, value in directives.items():
            command += ["--" + directive.replace("_", "-"), str(value)]
        server = Server(name, command, self.work / f"{self.section}-{name.replace(' ', '-')}", cpus)
        self.servers.callback(self._end, server)
        server.start()
        shown = [*server.prefix, command[0].rsplit("/", 1)[-1], *command[1:]]
        self.commands[name] = " ".join(word if word else "''" for word in shown)
        return server

    def _end(self, server):
        complaints = server.complaints()
        server.remove()
        if complaints:
            self.note(f"{server.name} logged {len(complaints)} errors or warnings, the first: "
                      f"`{complaints[0][:300]}`")

    def end(self, server):
        """Ends a server before its section ends."""
        self._end(server)

    def without_page_cache(self, server):
        """While this is entered the kernel forgets its copies of the table files twice a second, as
        if the host had no memory for them, unless it may keep them."""
        server.drop_page_cache(".sst")
        if self.options.keep_page_cache:
            return contextlib.nullcontext()
        return Sampler(0.5, lambda: server.drop_page_cache(".sst"))

    # Loads.

    def compare(self, label, servers, load, rounds=None, prefill=False, peers=True):
        """The same load on all servers in alternating rounds; what `compare --json` wrote."""
        options = self.options
        command = ["compare", "--rounds", str(rounds or options.rounds), "--pause", self.pick("300ms", "50ms")]
        for server in servers:
            command += ["--target", f"{server.name}={server.address},pid={server.pid}"]
        for peer in options.peer if peers else []:
            command += ["--target", peer]
        command += ["--prefill"] if prefill else []
        return self.load(label, command + self.timing() + load)

    @property
    def warm_up(self):
        """Seconds that are not measured before those that are."""
        return min(2, self.options.seconds / 5)

    def timing(self, seconds=None):
        return ["--duration", f"{seconds or self.options.seconds}s",
                "--warm-up", f"{self.warm_up}s",
                "--threads", str(self.options.client_threads), "--quiet"]

    def run(self, label, server, load):
        """One load on one server; what `run --json` wrote."""
        command = ["run", "--addr", server.address, "--pid", str(server.pid)]
        return self.load(label, command + load)

    def prefill(self, label, server, load):
        """Writes every key once."""
        return self.run(label, server, [*load, "--mix", "get=1", "--prefill", "-n", "1",
                                        "--warm-up", "0s", "-c", "16", "--interval", "10s"])

    def doomed_run(self, server, load):
        """A load whose server is killed under it; its figures and errors are of no interest."""
        command = [str(self.options.binaries / "basalt-loadtest"), "run", "--addr", server.address]
        subprocess.run(command + load, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       timeout=120, check=False)

    def load(self, label, command):
        """Runs the load generator; what it wrote as JSON, which is kept with the report."""
        path = self.raw / f"{self.section}-{label.replace(' ', '-')}.json"
        path.unlink(missing_ok=True)
        command = [str(self.options.binaries / "basalt-loadtest"), *command, "--json", str(path)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.client = process.pid
        timer = threading.Timer(self.options.time_max * 60, process.kill)
        timer.start()
        try:
            for line in process.stdout:
                line = line.rstrip()
                if any(mark in line for mark in WARNINGS):
                    self.note(f"{label}: {line}")
                elif line.startswith("round ") or "keys written" in line:
                    self.say(f"{label}: {line.strip()}")
            status = process.wait()
        finally:
            timer.cancel()
            process.kill()
            process.wait()
        # 2 means errors among the figures; they are in the warnings.
        if status not in (0, 2) or not path.exists():
            raise RuntimeError(f"status {status} of {' '.join(command)}")
        return json.loads(path.read_text())


def has(program):
    return shutil.which(program) is not None
