/* A library put in front of libc's (LD_PRELOAD) that makes the file system fail on demand.
 *
 * It counts the calls that change files below the directory BASALT_SHIM_DIRECTORY and, as the
 * control block in the file BASALT_SHIM_CONTROL says, makes one of them or all of them fail. The
 * control block is shared memory: a test reads and writes the file while the server runs. Its
 * layout is repeated in shim.rs.
 *
 * What a descriptor stands for is asked of /proc at each call: slower than a table, but right
 * also for descriptors that were duplicated, inherited or renamed under way.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { CREATE = 1, WRITE = 2, SYNC = 4, RESIZE = 8, NAME = 16 };
enum fault { NONE, FAIL_EIO, FAIL_ENOSPC, SHORT_WRITE, CRASH, TORN_WRITE, LIE };
enum { CRASH_STATUS = 77, BLOCK_BYTES = 4096, PATH_BYTES = 512 };

struct control {
    uint64_t calls;      /* counted so far */
    uint64_t hits;       /* faults so far */
    uint64_t fault;      /* one of enum fault */
    uint64_t first_call; /* the number of the first call that fails */
    uint64_t call_count; /* how many calls fail from there on */
    uint64_t kinds;      /* which kinds of calls are counted: a sum of enum kind */
    char pattern[64];    /* only paths that hold this are counted; empty: all */
    char first_hit[PATH_BYTES]; /* the first call that failed, for the test's messages */
};

static struct control *control;
static const char *directory;
static size_t directory_length;

__attribute__((constructor)) static void start(void) {
    directory = getenv("BASALT_SHIM_DIRECTORY");
    const char *path = getenv("BASALT_SHIM_CONTROL");
    if (!directory || !path) return;
    directory_length = strlen(directory);
    int (*real_open)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
    int descriptor = real_open(path, O_RDWR | O_CLOEXEC);
    if (descriptor < 0) _exit(CRASH_STATUS + 1);
    void *block = mmap(NULL, BLOCK_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (block == MAP_FAILED) _exit(CRASH_STATUS + 1);
    close(descriptor);
    control = block;
}

static void note_first_hit(const char *name, uint64_t call, const char *path) {
    char text[PATH_BYTES];
    snprintf(text, sizeof text, "call %llu: %s of %s", (unsigned long long)call, name,
             path + directory_length + 1);
    memcpy(control->first_hit, text, sizeof text);
}

/* The fault for this call, after it was counted. */
static enum fault meet(enum kind kind, const char *name, const char *path) {
    if (!control || !(control->kinds & kind)) return NONE;
    if (strncmp(path, directory, directory_length) || path[directory_length] != '/') return NONE;
    if (control->pattern[0] && !strstr(path, control->pattern)) return NONE;
    uint64_t call = __atomic_add_fetch(&control->calls, 1, __ATOMIC_SEQ_CST);
    enum fault fault = __atomic_load_n(&control->fault, __ATOMIC_SEQ_CST);
    if (fault == NONE || call < control->first_call) return NONE;
    if (call - control->first_call >= control->call_count) return NONE;
    if (__atomic_add_fetch(&control->hits, 1, __ATOMIC_SEQ_CST) == 1)
        note_first_hit(name, call, path);
    if (fault == CRASH || (fault == TORN_WRITE && kind != WRITE)) _exit(CRASH_STATUS);
    if (fault == SHORT_WRITE && kind != WRITE) return FAIL_EIO;
    return fault;
}

static enum fault meet_descriptor(enum kind kind, const char *name, int descriptor) {
    if (!control || !(control->kinds & kind)) return NONE;
    char link[32], path[4096];
    int saved = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    errno = saved;
    if (length < 0) return NONE;
    path[length] = 0;
    return meet(kind, name, path);
}

/* An error as libc reports it: errno and -1. */
static int fail(enum fault fault) {
    errno = fault == FAIL_ENOSPC ? ENOSPC : EIO;
    return -1;
}

/* A call on a descriptor that does its work or does not. */
#define ON_DESCRIPTOR(kind, name, parameters, arguments, failure)          \
    int name parameters {                                                  \
        static __typeof__(name) *real;                                     \
        if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name);     \
        enum fault fault = meet_descriptor(kind, #name, descriptor);       \
        if (fault == LIE) return 0;                                        \
        return fault ? failure : real arguments;                           \
    }

ON_DESCRIPTOR(SYNC, fsync, (int descriptor), (descriptor), fail(fault))
ON_DESCRIPTOR(SYNC, fdatasync, (int descriptor), (descriptor), fail(fault))
ON_DESCRIPTOR(SYNC, sync_file_range,
              (int descriptor, off_t from, off_t count, unsigned flags),
              (descriptor, from, count, flags), fail(fault))
ON_DESCRIPTOR(RESIZE, ftruncate, (int descriptor, off_t size), (descriptor, size), fail(fault))
ON_DESCRIPTOR(RESIZE, ftruncate64, (int descriptor, off64_t size), (descriptor, size),
              fail(fault))
ON_DESCRIPTOR(RESIZE, fallocate, (int descriptor, int mode, off_t from, off_t count),
              (descriptor, mode, from, count), fail(fault))
ON_DESCRIPTOR(RESIZE, fallocate64, (int descriptor, int mode, off64_t from, off64_t count),
              (descriptor, mode, from, count), fail(fault))
/* These two report by their result. */
ON_DESCRIPTOR(RESIZE, posix_fallocate, (int descriptor, off_t from, off_t count),
              (descriptor, from, count), (fail(fault), errno))
ON_DESCRIPTOR(RESIZE, posix_fallocate64, (int descriptor, off64_t from, off64_t count),
              (descriptor, from, count), (fail(fault), errno))

/* A write: a short or torn one does the first half. */
#define WRITING(name, parameters, arguments)                               \
    ssize_t name parameters {                                              \
        static __typeof__(name) *real;                                     \
        if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name);     \
        enum fault fault = meet_descriptor(WRITE, #name, descriptor);      \
        if (fault == LIE) return (ssize_t)count;                           \
        if (is_partial(fault)) count = half(count);                        \
        else if (fault) return fail(fault);                                \
        return done(fault, real arguments);                                \
    }

static int is_partial(enum fault fault) { return fault == SHORT_WRITE || fault == TORN_WRITE; }
/* Half of it, in whole sectors where it is whole sectors: direct I/O knows nothing less. */
static size_t half(size_t count) {
    size_t unit = count % 512 ? 1 : 512;
    return count > unit ? count / unit / 2 * unit : count;
}
static ssize_t done(enum fault fault, ssize_t result) {
    if (fault == TORN_WRITE) _exit(CRASH_STATUS);
    return result;
}
static size_t total_of(const struct iovec *pieces, int count) {
    size_t total = 0;
    for (int i = 0; i < count; i++) total += pieces[i].iov_len;
    return total;
}

WRITING(write, (int descriptor, const void *bytes, size_t count), (descriptor, bytes, count))
WRITING(pwrite, (int descriptor, const void *bytes, size_t count, off_t at),
        (descriptor, bytes, count, at))
WRITING(pwrite64, (int descriptor, const void *bytes, size_t count, off64_t at),
        (descriptor, bytes, count, at))

/* The short form of these is made here: a vector cannot be cut in place. */
#define WRITING_VECTOR(name, parameters, arguments, short_arguments)       \
    ssize_t name parameters {                                              \
        static __typeof__(name) *real;                                     \
        if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name);     \
        enum fault fault = meet_descriptor(WRITE, #name, descriptor);      \
        if (fault == LIE) return (ssize_t)total_of(pieces, count);         \
        if (is_partial(fault) && count > 0) {                              \
            struct iovec first = pieces[0];                                \
            first.iov_len = half(first.iov_len);                           \
            return done(fault, real short_arguments);                      \
        }                                                                  \
        return fault ? fail(fault) : real arguments;                       \
    }

WRITING_VECTOR(writev, (int descriptor, const struct iovec *pieces, int count),
               (descriptor, pieces, count), (descriptor, &first, 1))
WRITING_VECTOR(pwritev, (int descriptor, const struct iovec *pieces, int count, off_t at),
               (descriptor, pieces, count, at), (descriptor, &first, 1, at))
WRITING_VECTOR(pwritev64, (int descriptor, const struct iovec *pieces, int count, off64_t at),
               (descriptor, pieces, count, at), (descriptor, &first, 1, at))

/* Names. A lie about a name would break the test's own view of the directory: they fail instead. */
#define ON_PATH(name, path, parameters, arguments)                         \
    int name parameters {                                                  \
        static __typeof__(name) *real;                                     \
        if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name);     \
        enum fault fault = meet(NAME, #name, path);                        \
        return fault && fault != LIE ? fail(fault) : real arguments;       \
    }

ON_PATH(rename, to, (const char *from, const char *to), (from, to))
ON_PATH(renameat, to, (int from_at, const char *from, int to_at, const char *to),
        (from_at, from, to_at, to))
ON_PATH(link, to, (const char *from, const char *to), (from, to))
ON_PATH(unlink, path, (const char *path), (path))
ON_PATH(mkdir, path, (const char *path, mode_t mode), (path, mode))

/* Opening, where it may create. */
#define OPENING(name, path_parameters, path_arguments)                     \
    int name path_parameters {                                             \
        static __typeof__(name) *real;                                     \
        if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name);     \
        mode_t mode = 0;                                                   \
        if (flags & (O_CREAT | O_TMPFILE)) {                               \
            va_list rest;                                                  \
            va_start(rest, flags);                                         \
            mode = va_arg(rest, mode_t);                                   \
            va_end(rest);                                                  \
        }                                                                  \
        enum fault fault = flags & O_CREAT ? meet(CREATE, #name, path) : NONE; \
        return fault && fault != LIE ? fail(fault) : real path_arguments;  \
    }

OPENING(open, (const char *path, int flags, ...), (path, flags, mode))
OPENING(open64, (const char *path, int flags, ...), (path, flags, mode))
OPENING(openat, (int at, const char *path, int flags, ...), (at, path, flags, mode))
OPENING(openat64, (int at, const char *path, int flags, ...), (at, path, flags, mode))
ON_PATH(creat, path, (const char *path, mode_t mode), (path, mode))
