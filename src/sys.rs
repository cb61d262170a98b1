//! The only place with unsafe code: small things that no safe interface offers.
//!
//! 1. glommio sets its rings up without `IORING_SETUP_COOP_TASKRUN`, so every packet interrupts
//!    the loop; with the flag a GET costs 9 instead of 16 microseconds. The linker sends glommio's
//!    call through `__wrap_io_uring_queue_init_params` (see `build.rs`).
//! 2. glommio makes its streams from file descriptors.
//! 3. A thread's priority for the processor and the disk, and the length of its slices, are set by
//!    calls of the system.
//! 4. jemalloc reads its settings from a symbol before anything else runs.
//! 5. A crash is told in the log by a signal handler: nothing else of the process runs any more.
#![expect(unsafe_code, reason = "the one reviewed place; see above")]

use std::fmt::Write;
use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use nix::libc::{c_int, c_void, siginfo_t};
use nix::sys::signal::{self, SaFlags, SigAction, SigHandler, SigSet, Signal};

/// Completions need not interrupt a thread that will enter the kernel anyway (Linux 5.19).
const IORING_SETUP_COOP_TASKRUN: u32 = 1 << 8;
/// A ring for polled I/O, which the flag does not go with.
const IORING_SETUP_IOPOLL: u32 = 1;
/// The kernel does not know a flag.
const EINVAL: i32 = 22;

/// The allocator keeps pages that nobody uses for a second only: its default of ten is as much as
/// what a flush or a compaction uses in that time. And what is freed in one piece of a megabyte or
/// more goes back at once: values, buffers and batches of that size would otherwise be in memory
/// several times over.
// SAFETY: the type is what jemalloc declares, a pointer to characters with a zero at the end; it
// only reads.
#[unsafe(no_mangle)]
static malloc_conf: &[u8; 47] = b"dirty_decay_ms:1000,oversize_threshold:1048576\0";

/// A ring was set up without the flag.
static COOP_TASKRUN_REFUSED: AtomicBool = AtomicBool::new(false);

/// Whether the kernel knew `IORING_SETUP_COOP_TASKRUN` for all rings so far.
pub(crate) fn coop_taskrun_is_known() -> bool {
    !COOP_TASKRUN_REFUSED.load(Ordering::Relaxed)
}

/// The beginning of the kernel's `struct io_uring_params`, which is part of its stable interface.
#[repr(C)]
struct RingParameters {
    sq_entries: u32,
    cq_entries: u32,
    flags: u32,
}

unsafe extern "C" {
    fn __real_io_uring_queue_init_params(
        entries: u32,
        ring: *mut std::ffi::c_void,
        parameters: *mut RingParameters,
    ) -> i32;
}

/// Called by glommio in place of liburing's `io_uring_queue_init_params`.
///
/// # Safety
/// As for liburing's function: both pointers are valid for writes.
#[unsafe(no_mangle)]
unsafe extern "C" fn __wrap_io_uring_queue_init_params(
    entries: u32,
    ring: *mut std::ffi::c_void,
    parameters: *mut RingParameters,
) -> i32 {
    // SAFETY: the caller passes a valid `io_uring_params`, of which `RingParameters` is a prefix;
    // both pointers go on to the function they were meant for, once or (after a refusal, when the
    // ring was not set up) twice.
    unsafe {
        let asked = (*parameters).flags;
        if asked & IORING_SETUP_IOPOLL == 0 {
            (*parameters).flags = asked | IORING_SETUP_COOP_TASKRUN;
            let result = __real_io_uring_queue_init_params(entries, ring, parameters);
            if result != -EINVAL {
                return result;
            }
            (*parameters).flags = asked;
            COOP_TASKRUN_REFUSED.store(true, Ordering::Relaxed);
        }
        __real_io_uring_queue_init_params(entries, ring, parameters)
    }
}

unsafe extern "C" {
    fn setpriority(which: i32, who: u32, priority: i32) -> i32;
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    fn syscall(number: std::ffi::c_long, ...) -> std::ffi::c_long;
}

/// Lets the other threads of the host go first for the processor: a little at 1, nearly always at
/// 19. For the calling thread and those that it will start. Where the system does not do that,
/// nothing is lost but manners.
pub(crate) fn lower_processor_priority(nice: i32) {
    const PRIO_PROCESS: i32 = 0;
    // SAFETY: a call with numbers only; process 0 is, on Linux, the calling thread.
    unsafe { setpriority(PRIO_PROCESS, 0, nice) };
}

/// Lets every other thread of the host go first, for the processor and for the disk.
pub(crate) fn lower_thread_priority() {
    const NICEST: i32 = 19;
    lower_processor_priority(NICEST);
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    {
        const IOPRIO_SET: std::ffi::c_long = if cfg!(target_arch = "x86_64") { 251 } else { 30 };
        const IOPRIO_WHO_PROCESS: std::ffi::c_int = 1;
        const IOPRIO_CLASS_IDLE: std::ffi::c_int = 3 << 13;
        // SAFETY: a call with numbers only, as above.
        unsafe { syscall(IOPRIO_SET, IOPRIO_WHO_PROCESS, 0, IOPRIO_CLASS_IDLE) };
    }
}

/// A glommio stream over any descriptor. Must be called on an executor's thread.
pub(crate) fn stream_over(descriptor: OwnedFd) -> glommio::net::UnixStream {
    // SAFETY: the descriptor is open, and its ownership moves into the stream.
    unsafe { glommio::net::UnixStream::from_raw_fd(descriptor.into_raw_fd()) }
}

/// What a thread asks of the scheduler: the kernel's `struct sched_attr` in its first version,
/// which is part of its stable interface.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[repr(C)]
#[derive(Default)]
struct SchedulingAttributes {
    bytes: u32,
    policy: u32,
    flags: u64,
    nice: i32,
    priority: u32,
    runtime_ns: u64,
    deadline_ns: u64,
    period_ns: u64,
}

/// The calling thread wants the processor often and for a short time, instead of seldom and for
/// milliseconds: it has it back sooner, after it gave way too (Linux 6.12; an older one does not
/// care).
pub(crate) fn take_short_slices() {
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    {
        const BYTES: u32 = size_of::<SchedulingAttributes>() as u32;
        const SLICE_NS: u64 = 100_000;
        const X86: bool = cfg!(target_arch = "x86_64");
        const SCHED_GETATTR: std::ffi::c_long = if X86 { 315 } else { 275 };
        const SCHED_SETATTR: std::ffi::c_long = if X86 { 314 } else { 274 };
        let mut attributes = SchedulingAttributes::default();
        // SAFETY: the kernel fills in a structure of the size that it is told; 0 is the calling
        // thread.
        let got = unsafe { syscall(SCHED_GETATTR, 0, &raw mut attributes, BYTES, 0) };
        if got == 0 {
            attributes.runtime_ns = SLICE_NS;
            // SAFETY: the kernel reads a structure that says how long it is.
            unsafe { syscall(SCHED_SETATTR, 0, &raw const attributes, 0) };
        }
    }
}

/// Signals that mean a fault in the program.
const CRASHES: [Signal; 5] =
    [Signal::SIGSEGV, Signal::SIGBUS, Signal::SIGFPE, Signal::SIGILL, Signal::SIGABRT];
/// What was done about each of them before.
static BEFORE_CRASH: [OnceLock<SigAction>; 5] = [const { OnceLock::new() }; 5];
/// Where a crash is told; negative: nowhere.
static CRASH_LOG: AtomicI32 = AtomicI32::new(-1);
static TELLS_CRASHES: AtomicBool = AtomicBool::new(false);

/// A crash is told in the file of this descriptor, as long as it is asked for ([`tell_crashes`]).
pub(crate) fn set_crash_log(descriptor: RawFd) {
    CRASH_LOG.store(descriptor, Ordering::Relaxed);
}

/// Whether a crash is to be told (`crash-log-enabled`).
pub(crate) fn tell_crashes(is_asked: bool) {
    TELLS_CRASHES.store(is_asked, Ordering::Relaxed);
    if !is_asked {
        return;
    }
    let flags = SaFlags::SA_SIGINFO | SaFlags::SA_ONSTACK;
    let action = SigAction::new(SigHandler::SigAction(on_crash), flags, SigSet::empty());
    for (signal, before) in CRASHES.into_iter().zip(&BEFORE_CRASH) {
        before.get_or_init(|| {
            // SAFETY: the handler does what a handler may: it formats numbers in its own frame,
            // writes to a descriptor, sets signals, and loads and stores atomics.
            unsafe { signal::sigaction(signal, &action) }.unwrap_or(default_action())
        });
    }
}

fn default_action() -> SigAction {
    SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty())
}

/// A line in a buffer of its own: a process that crashes allocates nothing.
struct CrashLine {
    bytes: [u8; 160],
    length: usize,
}

impl Write for CrashLine {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.length + text.len();
        self.bytes
            .get_mut(self.length..end)
            .ok_or(std::fmt::Error)?
            .copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

/// Tells the crash once, and has the signal do what it did before: the runtime's word about a stack
/// that overflowed, and the end of the process with a core dump.
extern "C" fn on_crash(number: c_int, info: *mut siginfo_t, _context: *mut c_void) {
    let log = CRASH_LOG.swap(-1, Ordering::Relaxed);
    // SAFETY: the kernel hands a handler with SA_SIGINFO a structure that it filled in; the address
    // is there for faults, and else a number of no meaning.
    let (code, address) = unsafe { ((*info).si_code, (*info).si_addr() as usize) };
    let is_fault = code > 0;
    if log >= 0 && TELLS_CRASHES.load(Ordering::Relaxed) {
        let mut line = CrashLine { bytes: [0; 160], length: 0 };
        let version = env!("CARGO_PKG_VERSION");
        let _ = write!(line, "Basalt {version} crashed by signal: {number}, si_code: {code}");
        let _ = if is_fault { write!(line, ", address: {address:#x}") } else { Ok(()) };
        let _ = line.write_str("; if nobody sent it this is a bug, please report it\n");
        let _ = nix::unistd::write(log, line.bytes.get(..line.length).unwrap_or_default());
    }
    let known = CRASHES.iter().position(|signal| *signal as c_int == number);
    let before = known.and_then(|index| BEFORE_CRASH.get(index)?.get());
    if let Some(signal) = known.and_then(|index| CRASHES.get(index)) {
        let next = if is_fault { before.copied() } else { None };
        // SAFETY: an action of before is the runtime's or the system's own.
        let _ = unsafe { signal::sigaction(*signal, &next.unwrap_or(default_action())) };
        // A fault comes again by itself.
        if !is_fault {
            let _ = signal::raise(*signal);
        }
    }
}
