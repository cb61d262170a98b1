"""Unit tests of what sorts the samples of perf; test_figures.py says how they are run."""

import unittest

import perf_profile as profile
from sections.profile import detail, summary

SCRIPT = """\
blocking-14 15012 
\tffffffff81b9764c iowrite16
\tffffffff81cf1632 vp_notify
\tffffffff81ce84ab virtqueue_notify
\tffffffff81d76d5f virtio_queue_rq
\tffffffff816bbc23 __x64_sys_pread64
\tffffffff821ef691 do_syscall_64
\t           f6417 __libc_pread
\t4810c08348fb8948 [unknown]

         swapper     0 
\tffffffff821ff0ab pv_native_safe_halt

lto cgu.05 14863 
\t         88fe480 llvm::function_ref<void (llvm::StringRef)>::callback_fn<x>

shard-0 15012 

basalt-loadtest 15114 
\tffffffff81000130 entry_SYSCALL_64_after_hwframe
"""

KERNEL = 0xFFFFFFFF81000000
USER = 0x5CF1A0

CLIENT, SERVER = 15114, 15012
PROCESSES = profile.Processes(CLIENT, SERVER, {"shard-0": profile.LOOPS})


def in_kernel(*symbols):
    return [(KERNEL, symbol) for symbol in symbols]


def in_user(*symbols):
    return [(USER, symbol) for symbol in symbols]


class Parsing(unittest.TestCase):
    def test_blocks_are_samples_and_the_first_frame_is_the_innermost(self):
        samples = profile.parse(SCRIPT)
        comms = ["blocking-14", "swapper", "lto cgu.05", "shard-0", "basalt-loadtest"]
        self.assertEqual([sample.comm for sample in samples], comms)
        self.assertEqual([sample.process for sample in samples], [15012, 0, 14863, 15012, 15114])
        self.assertEqual(samples[0].frames[0], (0xFFFFFFFF81B9764C, "iowrite16"))
        self.assertEqual(samples[0].frames[-1], (0x4810C08348FB8948, "[unknown]"))
        symbol = "llvm::function_ref<void (llvm::StringRef)>::callback_fn<x>"
        self.assertEqual(samples[2].frames, [(0x88FE480, symbol)])
        self.assertEqual(samples[3].frames, [])

    def test_nothing_is_no_sample(self):
        self.assertEqual(profile.parse(""), [])
        self.assertEqual(profile.parse("\n\n"), [])


class Threads(unittest.TestCase):
    def test_threads_of_basalt(self):
        comms = ["basalt", "shard-0", "blocking-11", "sync-0", "drain-1", "rocksdb:low", "keeper-0"]
        groups = list(profile.threads_of_server(comms).values())
        expected = ["server's other threads", "loops", "blocking threads", "syncing thread",
                    "draining threads", "RocksDB's threads", "server's other threads"]
        self.assertEqual(groups, expected)

    def test_without_shards_the_main_thread_is_the_loop(self):
        groups = profile.threads_of_server(["redis-server", "bio_aof"])
        self.assertEqual(groups, {"redis-server": "loops", "bio_aof": "server's other threads"})

    def test_others(self):
        cases = {
            ("shard-0", SERVER): "loops",
            ("iou-wrk-15013", SERVER): "server's other threads",
            ("basalt-loadtest", CLIENT): "load generator",
            # Those of another measurement on the machine.
            ("shard-0", 7): "other processes",
            ("basalt-loadtest", 8): "other processes",
            ("swapper", 0): "kernel's threads",
        }
        for (comm, process), expected in cases.items():
            sample = profile.Sample(comm, process, in_user("main"))
            self.assertEqual(profile.group(sample, PROCESSES), expected, sample)
        worker = in_kernel("worker_thread", "kthread", "ret_from_fork", "ret_from_fork_asm")
        sample = profile.Sample("kworker/1:1H-kb", 44, worker)
        self.assertEqual(profile.group(sample, PROCESSES), "kernel's threads")


class Kinds(unittest.TestCase):
    def check(self, frames, expected, comm="shard-0"):
        self.assertEqual(profile.kind(profile.Sample(comm, SERVER, frames)), expected, frames)

    def test_system_calls(self):
        entry = ("do_syscall_64", "entry_SYSCALL_64_after_hwframe")
        cases = {
            "__x64_sys_sendto": "send", "__sys_recvfrom": "recv", "__x64_sys_pread64": "pread",
            "__x64_sys_epoll_pwait2": "epoll_wait", "__do_sys_io_uring_enter": "io_uring_enter",
            "ksys_write": "write", "__x64_sys_fdatasync": "fdatasync", "__arm64_sys_futex": "futex",
        }
        for frame, expected in cases.items():
            frames = in_kernel("_raw_spin_unlock", frame, "x64_sys_call", *entry) + in_user("__send")
            self.check(frames, expected)
        self.check(in_kernel("exit_to_user_mode_loop", "x64_sys_call", *entry), "kernel, else")

    def test_softirqs_of_a_send_are_the_send(self):
        frames = in_kernel("tcp_v4_rcv", "handle_softirqs", "do_softirq.part.0", "__x64_sys_sendto")
        self.check(frames, "send")

    def test_interrupts_are_apart_wherever_they_come(self):
        disk = in_kernel("blk_done_softirq", "handle_softirqs", "common_interrupt", "asm_common_interrupt")
        self.check(disk + in_kernel("vfs_read", "__x64_sys_pread64"), "interrupts")
        self.check(disk + in_user("rocksdb::DBImpl::Get"), "interrupts")
        self.check(disk + in_kernel("pv_native_safe_halt"), "interrupts", "swapper")
        timer = in_kernel("irqentry_exit_to_user_mode", "asm_sysvec_reschedule_ipi")
        self.check(timer + in_user("main"), "interrupts")
        self.check(in_kernel("handle_softirqs", "run_ksoftirqd"), "interrupts", "ksoftirqd/0")

    def test_the_doorbell_is_apart_from_its_system_call(self):
        self.check(profile.parse(SCRIPT)[0].frames, "doorbell of the virtual disk")

    def test_page_faults(self):
        frames = in_kernel("clear_page_erms", "exc_page_fault", "asm_exc_page_fault") + in_user("main")
        self.check(frames, "page faults")

    def test_user_code(self):
        cases = {
            "rocksdb::lru_cache::LRUHandleTable::FindPointer": "RocksDB",
            "<rocksdb::db::DBCommon as core::ops::Drop>::drop": "RocksDB",
            "XXH3_hashLong_64b_default.constprop.0": "RocksDB",
            "xxhash_rust::xxh3::xxh3_64": "own code",
            "basalt::net::connection::Connection::process::{{closure}}": "own code",
            "bytes::bytes::promotable_even_drop": "own code",
            "freeMemoryIfNeeded": "own code",
            "[unknown]": "own code",
            "__memmove_avx512_unaligned_erms": "libc, allocator",
            "pthread_mutex_lock@@GLIBC_2.2.5": "libc, allocator",
            "_rjem_je_malloc_default": "libc, allocator",
            "free": "libc, allocator",
        }
        for symbol, expected in cases.items():
            # A caller that a frame pointer, which is none, seems to tell.
            self.check(in_user(symbol, "rocksdb::PosixRandomAccessFile::Read"), expected)

    def test_idle(self):
        self.check(in_kernel("pv_native_safe_halt", "default_idle"), "idle", "swapper")
        self.check([], "idle", "swapper")
        self.check([], "unknown")


class Costs(unittest.TestCase):
    def test_shares_of_the_cpus_for_an_operation(self):
        send = in_kernel("__x64_sys_sendto")
        samples = 4 * [profile.Sample("shard-0", SERVER, send)]
        samples += 1 * [profile.Sample("shard-0", SERVER, in_user("main"))]
        samples += 2 * [profile.Sample("basalt-loadtest", CLIENT, send)]
        samples += 2 * [profile.Sample("swapper", 0, in_kernel("default_idle"))]
        samples += 1 * [profile.Sample("rustc", 7, in_user("main"))]
        cost = profile.costs(samples, PROCESSES, cpus=2, rate=100_000)
        # Two CPUs have 20 us for each of 100,000 operations a second.
        measured = {("loops", "send"): 8, ("loops", "own code"): 2, ("load generator", "send"): 4}
        rest = {("kernel's threads", "idle"): 4, ("other processes", "own code"): 2}
        self.assertEqual(cost, measured | rest)
        self.assertEqual((profile.idle(cost), profile.strangers(cost)), (4, 2))
        self.assertEqual(profile.by_thread_and_work(cost), measured)
        self.assertEqual(profile.by_work(cost), {"send": 8, "own code": 2, "load generator": 4})

    def test_small_rows_are_summed(self):
        one = profile.Counter({"send": 98, "recv": 0.5, "futex": 1.5})
        other = profile.Counter({"send": 30, "pread": 170, "recv": 0.25})
        expected = [("pread", [0, 170]), ("send", [98, 30]), ("futex", [1.5, 0]), (None, [0.5, 0.25])]
        self.assertEqual(profile.rows([one, other]), expected)

    def test_tables(self):
        costs = {
            "a": {("loops", "send"): 9, ("load generator", "send"): 1, ("loops", "recv"): 0.05},
            "b": {("loops", "send"): 4, ("loops", "own code"): 6, ("other processes", "send"): 3,
                  ("kernel's threads", "idle"): 2},
        }
        table = summary("GET", [profile.by_work(cost) for cost in costs.values()], costs,
                        {"a": 1000, "b": 500})
        self.assertEqual(table["columns"], ["work", "a", "b"])
        self.assertEqual(table["rows"], [
            ["send", 9, 4], ["own code", 0, 6], ["load generator", 1, 0], ["all else", 0.05, 0],
            ["**together**", 10.05, 10], ["other processes meanwhile", 0, 3], ["idle", 0, 2],
            ["operations/s", 1000, 500],
        ])
        self.assertEqual(detail("GET", costs)["rows"], [
            ["load generator", "send", 1, 0], ["loops", "send", 9, 4], ["loops", "own code", 0, 6],
            ["all else", "", 0.05, 0],
        ])


if __name__ == "__main__":
    unittest.main()
