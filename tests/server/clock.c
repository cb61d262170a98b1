/* A library put in front of libc's (LD_PRELOAD) that sets the time of day for one process: by so
 * many seconds as the file BASALT_CLOCK_CONTROL says, which is shared memory. The clocks that
 * nobody can set go on evenly. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t *offset;

__attribute__((constructor)) static void start(void) {
    const char *path = getenv("BASALT_CLOCK_CONTROL");
    int descriptor = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (descriptor < 0) _exit(78);
    void *block = mmap(NULL, 4096, PROT_READ, MAP_SHARED, descriptor, 0);
    if (block == MAP_FAILED) _exit(78);
    close(descriptor);
    offset = block;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int result = (int)syscall(SYS_clock_gettime, clock, now);
    if (!result && offset && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += *offset;
    return result;
}

int gettimeofday(struct timeval *now, void *zone) {
    struct timespec time;
    (void)zone;
    int result = clock_gettime(CLOCK_REALTIME, &time);
    now->tv_sec = time.tv_sec;
    now->tv_usec = time.tv_nsec / 1000;
    return result;
}
