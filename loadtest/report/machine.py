"""The machine and the versions that figures belong to."""

import os
import platform
import subprocess
from pathlib import Path


def describe(options, work):
    return {
        "processor": f"{_field('/proc/cpuinfo', 'model name')}, {os.cpu_count()} CPUs",
        "memory": f"{int(_field('/proc/meminfo', 'MemTotal').split()[0]) / 2**20:.1f} GiB",
        "disk of the data": _disk(work),
        "kernel": platform.release(),
        "distribution": _distribution(),
        "transparent huge pages": _read("/sys/kernel/mm/transparent_hugepage/enabled"),
        "frequency governor": _read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "basalt": _output([options.binaries / "basalt", "--version"]),
        "commit": _output(["git", "-C", Path(__file__).parent, "describe", "--always", "--dirty"]),
        "basalt-loadtest": _output([options.binaries / "basalt-loadtest", "--version"]),
        "redis-server": _output([options.redis_server, "--version"]),
        "fio": _output(["fio", "--version"]),
        "perf": _output(["perf", "--version"]),
    }


def load_average():
    return _read("/proc/loadavg").split()[0]


def _read(path):
    try:
        return Path(path).read_text().strip()
    except OSError:
        return "unknown"


def _field(path, name):
    for line in _read(path).splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return "0"


def _distribution():
    lines = dict(line.partition("=")[::2] for line in _read("/etc/os-release").splitlines())
    return lines.get("PRETTY_NAME", "unknown").strip('"')


def _disk(path):
    """The device and file system that hold the path: the longest mount point above it."""
    best = ("", "unknown", "")
    for line in _read("/proc/mounts").splitlines():
        device, point, kind = line.split()[:3]
        above = point == "/" or str(path) == point or str(path).startswith(point + "/")
        if above and len(point) > len(best[0]):
            best = (point, device, kind)
    return f"{best[1]}, {best[2]}".rstrip(", ")


def _output(command):
    try:
        done = subprocess.run(
            [str(word) for word in command], capture_output=True, text=True, timeout=10, check=True
        )
        return done.stdout.strip().splitlines()[0]
    except (OSError, subprocess.SubprocessError, IndexError):
        return "not there"


def busy_us():
    """How long the CPUs of the host have been busy, together, since it was started."""
    with open("/proc/stat", encoding="ascii") as stat:
        user, nice, system, _idle, _waiting, *interrupts = map(int, stat.readline().split()[1:8])
    return (user + nice + system + sum(interrupts)) * 1_000_000 // os.sysconf("SC_CLK_TCK")
