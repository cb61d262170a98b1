"""Servers of the benchmark's own: started on a free port of the loopback, ended by their pid,
their data removed. Also what can be seen of them from outside: memory, files, the page cache."""

import os
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path

import figures

START_SECONDS_MAX = 900
STOP_SECONDS_MAX = 120


class Connection:
    """As much of the protocol as INFO and PING need."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.reader = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.reader.close()
        self.socket.close()

    def ask(self, *words):
        """A status, number or bulk reply as text; an error reply raises."""
        request = b"*%d\r\n" % len(words)
        for word in words:
            request += b"$%d\r\n%s\r\n" % (len(word), word.encode())
        self.socket.sendall(request)
        line = self.reader.readline().rstrip(b"\r\n").decode(errors="replace")
        if not line or line[0] == "-":
            raise ConnectionError(line or "the server hung up")
        if line[0] != "$":
            return line[1:]
        return self.reader.read(int(line[1:]) + 2)[:-2].decode(errors="replace")


class Server:
    """A process with a directory for its data, and the options it was started with."""

    def __init__(self, name, command, directory, cpus=None):
        self.name = name
        self.directory = Path(directory)
        self.directory.mkdir(parents=True)
        self.port = free_port()
        self.log = self.directory.with_suffix(".log")
        self.command = [*command, "--port", str(self.port), "--bind", "127.0.0.1"]
        self.command += ["--dir", str(self.directory)]
        self.prefix = ["taskset", "-c", cpus] if cpus and shutil.which("taskset") else []
        self.process = None

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self):
        return self.process.pid

    def start(self):
        """Seconds until it answers PING."""
        begin = time.monotonic()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.prefix + self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() - begin > START_SECONDS_MAX:
                tail = self.log.read_text(errors="replace")[-2000:]
                self.kill()
                raise RuntimeError(f"{self.name} does not come up: {self.command}\n{tail}")
            time.sleep(0.005)
        return time.monotonic() - begin

    def answers(self):
        try:
            with Connection(self.port) as connection:
                return connection.ask("PING") == "PONG"
        except OSError:
            return False

    def ask(self, *words):
        with Connection(self.port) as connection:
            return connection.ask(*words)

    def info(self):
        return figures.parse_info(self.ask("INFO", "everything"))

    def stop(self):
        """Seconds until a clean end."""
        begin = time.monotonic()
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self.kill()
                raise RuntimeError(f"{self.name} does not end within {STOP_SECONDS_MAX} s") from None
        return time.monotonic() - begin

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def remove(self):
        """Ends it at once and removes its data."""
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)
        self.log.unlink(missing_ok=True)

    def complaints(self):
        """Lines of Basalt's log that say an error or a warning."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        marks = (" ERROR ", " WARN ", "panicked")
        return [line for line in lines if any(mark in line for mark in marks)]

    def resident_bytes(self):
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        return 0

    def thread_names(self):
        """As the kernel has them, the main thread's first."""
        threads = sorted(Path(f"/proc/{self.pid}/task").iterdir(), key=lambda task: int(task.name))
        return [(task / "comm").read_text().strip() for task in threads]

    def disk_bytes_read(self):
        """What the process has had to fetch from the device, past the page cache."""
        for line in Path(f"/proc/{self.pid}/io").read_text().splitlines():
            if line.startswith("read_bytes:"):
                return int(line.split()[1])
        return 0

    def files(self):
        for folder, _, names in os.walk(self.directory):
            yield from (os.path.join(folder, name) for name in names)

    def disk_bytes(self):
        """Space that the data takes on the disk, holes and files removed meanwhile left out."""
        total = 0
        for path in self.files():
            try:
                total += os.stat(path).st_blocks * 512
            except FileNotFoundError:
                pass
        return total

    def settle(self, seconds_max):
        """Waits until compaction has come to rest: no change in size for five seconds."""
        deadline = time.monotonic() + seconds_max
        last, since = self.disk_bytes(), time.monotonic()
        while time.monotonic() < deadline and time.monotonic() - since < 5:
            time.sleep(0.5)
            size = self.disk_bytes()
            if size != last:
                last, since = size, time.monotonic()

    def drop_page_cache(self, ending=""):
        """Tells the kernel to forget its copies of the data; only what is written already goes."""
        for path in self.files():
            if path.endswith(ending):
                try:
                    descriptor = os.open(path, os.O_RDONLY)
                except FileNotFoundError:
                    continue
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(descriptor)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Sampler(threading.Thread):
    """Calls a function every so often and keeps (seconds since the start, result)."""

    def __init__(self, interval, look):
        super().__init__(daemon=True)
        self.interval, self.look = interval, look
        self.samples = []
        self.ended = threading.Event()
        self.begin = time.monotonic()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join()

    def run(self):
        while not self.ended.is_set():
            try:
                self.samples.append((time.monotonic() - self.begin, self.look()))
            except OSError:
                # A server that is busy or gone leaves a gap, which is what there is to see.
                pass
            self.ended.wait(self.interval)
