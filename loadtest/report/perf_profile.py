"""Whose CPU time an operation takes, and for what: samples of perf sorted by the thread they met and
by the work it did. Nothing here touches a server."""

import re
from collections import Counter
from typing import NamedTuple

IDLE_COMM = "swapper"

CLIENT = "load generator"
LOOPS = "loops"
OTHER_THREADS = "server's other threads"
KERNEL_THREADS = "kernel's threads"
OTHER_PROCESSES = "other processes"

# Names of Basalt's threads, and of those that its libraries start.
SERVER_THREADS = {
    r"shard-\d+": LOOPS,
    r"blocking-\d+": "blocking threads",
    r"sync-\d+": "syncing thread",
    r"drain-\d+": "draining threads",
    r"rocksdb:.*": "RocksDB's threads",
}
GROUPS = [CLIENT, *SERVER_THREADS.values(), OTHER_THREADS, KERNEL_THREADS]

IDLE = "idle"
# Tells the hypervisor of a request to a virtual disk: the CPU leaves the guest for it.
DOORBELL = "doorbell of the virtual disk"
INTERRUPTS = "interrupts"
FAULTS = "page faults"
# Entering and leaving the kernel, and switching to another thread on the way.
KERNEL = "kernel, else"
ROCKSDB = "RocksDB"
LIBRARY = "libc, allocator"
OWN = "own code"
UNKNOWN = "unknown"

DOORBELL_FRAMES = {"iowrite16", "virtqueue_notify"}
INTERRUPT_FRAME = re.compile(r"asm_sysvec_|asm_common_interrupt$|run_ksoftirqd$")
FAULT_FRAME = re.compile(r"asm_exc_page_fault$")
# __x64_sys_pread64, __do_sys_io_uring_enter, __sys_sendto, ksys_write; not x64_sys_call.
SYSTEM_CALL_FRAME = re.compile(r"(?:__|__[a-z]\w*?_|k)sys_(\w+)$")
SYSTEM_CALLS = {
    "sendto": "send", "sendmsg": "send", "recvfrom": "recv", "recvmsg": "recv",
    "pread64": "pread", "pwrite64": "pwrite", "epoll_pwait": "epoll_wait", "epoll_pwait2": "epoll_wait",
}
# With what RocksDB is linked to: checksums and compression in C.
ROCKSDB_SYMBOL = re.compile(r".*rocksdb|XXH|LZ4_|ZSTD_|HUF_")
LIBRARY_SYMBOL = re.compile(
    r"_rjem_|je_|do_rallocx|(malloc|calloc|realloc|free)(\b|_)|_int_(malloc|free)"
    r"|__(mem|str)\w+|__GI_|__libc_|pthread_|__pthread_|__vdso_"
)

# Of all that is done for an operation: what is less is not worth a row.
LEAST_SHARE = 0.01


class Sample(NamedTuple):
    """A thread's name, its process, and the frames from the innermost outwards, each an address and
    a symbol."""

    comm: str
    process: int
    frames: list


class Processes(NamedTuple):
    """What is measured; threads is what threads_of_server gave."""

    client: int
    server: int
    threads: dict


def parse(script):
    """The samples in what `perf script -F comm,pid,ip,sym` wrote."""
    samples = []
    for block in re.split(r"\n\s*\n", script):
        lines = block.strip("\n").splitlines()
        if not lines:
            continue
        frames = []
        for line in lines[1:]:
            address, _, symbol = line.strip().partition(" ")
            frames.append((int(address, 16), symbol.strip()))
        comm, process = lines[0].rsplit(None, 1)
        samples.append(Sample(comm.strip(), int(process), frames))
    return samples


def threads_of_server(comms):
    """The group of each thread by its name. The first is the main thread, which is the loop of a
    server that has no threads of shards."""
    groups = {}
    for comm in comms:
        matches = (group for name, group in SERVER_THREADS.items() if re.fullmatch(name, comm))
        groups[comm] = next(matches, OTHER_THREADS)
    if LOOPS not in groups.values():
        groups[comms[0]] = LOOPS
    return groups


def group(sample, processes):
    if sample.process == processes.client:
        return CLIENT
    if sample.process == processes.server:
        return processes.threads.get(sample.comm, OTHER_THREADS)
    # What the kernel has started itself begins here, whatever its name.
    started = any(symbol.startswith("ret_from_fork") for _, symbol in sample.frames)
    return KERNEL_THREADS if started or sample.comm == IDLE_COMM else OTHER_PROCESSES


def kind(sample):
    """The work that the sample met. Work in softirqs belongs to the system call that it is done under
    (a send to the loopback hands the bytes over itself), unless an interrupt began it."""
    is_idle = sample.comm == IDLE_COMM
    if not sample.frames:
        return IDLE if is_idle else UNKNOWN
    symbols = [symbol for _, symbol in sample.frames]
    if not DOORBELL_FRAMES.isdisjoint(symbols):
        return DOORBELL
    if any(map(INTERRUPT_FRAME.match, symbols)):
        return INTERRUPTS
    if is_idle:
        return IDLE
    for symbol in symbols:
        call = SYSTEM_CALL_FRAME.match(symbol)
        if call:
            return SYSTEM_CALLS.get(call[1], call[1])
    if any(map(FAULT_FRAME.match, symbols)):
        return FAULTS
    # Callers of user code are not told reliably without frame pointers, so only the function itself.
    address, symbol = sample.frames[0]
    if address >> 63:
        return KERNEL
    if ROCKSDB_SYMBOL.match(symbol):
        return ROCKSDB
    return LIBRARY if LIBRARY_SYMBOL.match(symbol) else OWN


def costs(samples, processes, cpus, rate):
    """Microseconds of CPU for an operation by (group, kind), idle time and other processes among
    them: together they are all that the CPUs have."""
    counts = Counter((group(sample, processes), kind(sample)) for sample in samples)
    available = cpus * 1e6 / rate
    return {place: available * count / len(samples) for place, count in counts.items()}


def idle(cost):
    return sum(us for (_, work), us in cost.items() if work == IDLE)


def strangers(cost):
    return sum(us for (whose, _), us in cost.items() if whose == OTHER_PROCESSES)


def by_thread_and_work(cost):
    """What is done for the operation."""
    return Counter({(whose, work): us for (whose, work), us in cost.items()
                    if work != IDLE and whose != OTHER_PROCESSES})


def by_work(cost):
    """The same, with the load generator as one, and the server's and the kernel's threads together."""
    sums = Counter()
    for (whose, work), us in by_thread_and_work(cost).items():
        sums[CLIENT if whose == CLIENT else work] += us
    return sums


def rows(sums):
    """Out of one Counter for each server: (what, [us of each server]), the greatest first, and at
    last, as None, the sum of what is less than LEAST_SHARE with all of them."""
    totals = [sum(counter.values()) for counter in sums]
    most = {}
    for what in {what for counter in sums for what in counter}:
        if any(counter[what] >= LEAST_SHARE * total for counter, total in zip(sums, totals)):
            most[what] = max(counter[what] for counter in sums)
    shown = [(what, [counter[what] for counter in sums])
             for what in sorted(most, key=most.get, reverse=True)]
    rest = [sum(us for what, us in counter.items() if what not in most) for counter in sums]
    return [*shown, (None, rest)]
