//! The only place with unsafe code: small things that no safe interface offers.
//!
//! 1. glommio sets its rings up without `IORING_SETUP_COOP_TASKRUN`, so every packet interrupts
//!    the loop; with the flag a GET costs 9 instead of 16 microseconds. The linker sends glommio's
//!    call through `__wrap_io_uring_queue_init_params` (see `build.rs`).
//! 2. glommio makes its streams from file descriptors.
//! 3. A thread's priority for the processor and the disk, and the length of its slices, are set by
//!    calls of the system.
//! 4. jemalloc reads its settings from a symbol before anything else runs.
#![expect(unsafe_code, reason = "the one reviewed place; see above")]

use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

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
