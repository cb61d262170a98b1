"""What is measured: for each section its name, title, what it is, and the function that gives
its tables and plots."""

from sections import (
    cold, disk, durable, larger_than_memory, memory, open_loop, pinned, profile,
    reads_beside_writes, start, tenth_of_memory, two_shards,
)

ALL = {
    "pinned": (
        "One shard on one core",
        "Server and client each pinned to a core of its own, both servers with `appendfsync "
        "everysec`; values of 100 bytes, 50 connections.",
        pinned.measure,
    ),
    "two-shards": (
        "Two shards on two cores that the load shares",
        "GET of values of 100 bytes, 50 connections; servers and client on the same two CPUs.",
        two_shards.measure,
    ),
    "durable": (
        "Durable writes",
        "SET with `appendfsync always`: a reply means that the write is on the disk. Values of "
        "100 bytes.",
        durable.measure,
    ),
    "reads-beside-writes": (
        "Reads beside durable writes",
        "GETs in an open loop, of keys that nobody writes, alone and while another load of 50 "
        "connections SETs other keys with `appendfsync always` as fast as it goes.",
        reads_beside_writes.measure,
    ),
    "open-loop": (
        "Latency at half of saturation",
        "GETs in an open loop at half of the rate that the slowest server reaches in a closed "
        "loop; latencies count from the time a request was due.",
        open_loop.measure,
    ),
    "larger-than-memory": (
        "Data larger than memory",
        "Half GET, half SET, uniform over a data set that is larger than `maxmemory`; unless "
        "kept on request, the kernel's copies of the table files are dropped all the time, as "
        "they would be on a host with no more memory than that.",
        larger_than_memory.measure,
    ),
    "cold": (
        "Cold reads",
        "GETs over a data set of ten times `maxmemory`, without the kernel's page cache, beside "
        "what fio reads at random from the same disk with direct I/O.",
        cold.measure,
    ),
    "profile": (
        "Where the time goes",
        "CPU time of the whole machine for one operation, as `perf` sampled it in the middle of the "
        "load: it tells what the limit of the figures above is. A system call has all that is done "
        "under it (a `send` to the loopback hands the bytes to the other side), save for interrupts "
        "and for the doorbell: telling the hypervisor of a request to a virtual disk, for which the CPU "
        "leaves the guest. `kernel, else` is entering and leaving the kernel, and switching threads on "
        "the way. User code is told by the function that was running, so what RocksDB lets libc copy is "
        "under libc. In the first table of a load the load generator is one row, and the others are "
        "the server's and the kernel's threads together; the second says which threads they were.",
        profile.measure,
    ),
    "memory": (
        "Memory",
        "Resident memory of the process: idle, for keys with values of 100 bytes, and for an "
        "idle connection. Basalt's memory is bounded by `maxmemory`, its data is on the disk.",
        memory.measure,
    ),
    "tenth-of-memory": (
        "A tenth of the memory",
        "GETs (zipf 0.99, 50 connections, pipeline 1) of values of 100 bytes: redis-server has all of "
        "them in memory, Basalt a `maxmemory` with which the process takes about a tenth of that. "
        "Servers and client on the same two CPUs.",
        tenth_of_memory.measure,
    ),
    "disk": (
        "Space on disk",
        "JSON-like values, written once and then each key twice again; raw bytes are those of "
        "keys and values.",
        disk.measure,
    ),
    "start": (
        "Start",
        "Time until PING is answered, with the data out of the page cache; after a clean stop, "
        "and after `kill -9` under a load of SETs.",
        start.measure,
    ),
}
