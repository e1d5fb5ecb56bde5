// What a kernel does for its programs.
#include "bench.h"
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t getppid_loop(void)
{
    enum { N = 400000 };
    pid_t parent = getppid();
    uint64_t same = 0;
    for (int i = 0; i < N; i++)
        same += syscall(SYS_getppid) == parent;
    return same;
}

static uint64_t fork_exit(void)
{
    enum { N = 400 };
    uint64_t ended = 0;
    for (int i = 0; i < N; i++) {
        pid_t p = fork();
        must(p >= 0, "fork");
        if (p == 0)
            _exit(i & 63);
        int status;
        waitpid(p, &status, 0);
        ended += WEXITSTATUS(status);
    }
    return ended;
}

static uint64_t fork_exec(void)
{
    enum { N = 200 };
    uint64_t ended = 0;
    for (int i = 0; i < N; i++) {
        pid_t p = fork();
        must(p >= 0, "fork");
        if (p == 0) {
            execl("/proc/self/exe", "bench", "true", (char *)NULL);
            _exit(1);
        }
        int status;
        waitpid(p, &status, 0);
        ended += status == 0;
    }
    return ended;
}

static uint64_t pipes(void)
{
    enum { N = 15000 };
    int there[2], back[2];
    unsigned char c = 0;
    must(pipe(there) == 0 && pipe(back) == 0, "pipe");
    pid_t child = fork();
    must(child >= 0, "fork");
    for (int i = 0; i < N; i++) {
        if (child == 0) {
            must(read(there[0], &c, 1) == 1, "read");
            c++;
            must(write(back[1], &c, 1) == 1, "write");
        } else {
            must(write(there[1], &c, 1) == 1, "write");
            must(read(back[0], &c, 1) == 1, "read");
        }
    }
    if (child == 0)
        _exit(0);
    waitpid(child, NULL, 0);
    close(there[0]), close(there[1]), close(back[0]), close(back[1]);
    return c;
}

static uint64_t page_faults(void)
{
    enum { N = 16 << 20 };
    uint64_t sum = 0;
    char *p = mmap(NULL, N, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(p != MAP_FAILED, "mmap");
    madvise(p, N, MADV_NOHUGEPAGE);
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < N; i += 4096)
            sum += (uint64_t)(p[i] += 1);
        madvise(p, N, MADV_DONTNEED);
    }
    munmap(p, N);
    return sum;
}

static volatile uint64_t signals;

static void handler(int number)
{
    signals += (uint64_t)number;
}

static uint64_t signal_delivery(void)
{
    signals = 0;
    signal(SIGUSR1, handler);
    pid_t self = getpid();
    for (int i = 0; i < 40000; i++)
        kill(self, SIGUSR1);
    return signals;
}

static uint64_t map_unmap(void)
{
    uint64_t sum = 0;
    for (int i = 0; i < 20000; i++) {
        char *p = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        must(p != MAP_FAILED, "mmap");
        p[0] = (char)i;
        sum += (uint64_t)p[0];
        munmap(p, 65536);
    }
    return sum;
}

static void wait_while(atomic_int *word, int value)
{
    while (atomic_load(word) == value)
        syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void set_and_wake(atomic_int *word, int value)
{
    atomic_store(word, value);
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

enum { FUTEX_ROUNDS = 15000 };
static atomic_int turn;

static void *other_side(void *count)
{
    for (int i = 0; i < FUTEX_ROUNDS; i++) {
        wait_while(&turn, 0);
        ++*(uint64_t *)count;
        set_and_wake(&turn, 0);
    }
    return NULL;
}

static uint64_t futexes(void)
{
    uint64_t count = 0;
    pthread_t thread;
    atomic_store(&turn, 0);
    must(pthread_create(&thread, NULL, other_side, &count) == 0, "pthread_create");
    for (int i = 0; i < FUTEX_ROUNDS; i++) {
        set_and_wake(&turn, 1);
        wait_while(&turn, 1);
    }
    pthread_join(thread, NULL);
    return count;
}

static uint64_t files(void)
{
    static char block[4096];
    uint64_t sum = 0;
    for (int i = 0; i < 3000; i++) {
        block[0] = (char)i;
        int f = open("/tmp/bench-file", O_CREAT | O_TRUNC | O_RDWR, 0600);
        must(f >= 0, "/tmp/bench-file");
        must(write(f, block, sizeof block) == sizeof block, "write");
        must(pread(f, block, sizeof block, 0) == sizeof block, "read");
        sum += (unsigned char)block[0];
        close(f);
        unlink("/tmp/bench-file");
    }
    return sum;
}

static uint64_t clocks(void)
{
    uint64_t steps = 0;
    struct timespec last, now;
    clock_gettime(CLOCK_MONOTONIC, &last);
    for (int i = 0; i < 3000000; i++) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        steps += now.tv_sec > last.tv_sec || (now.tv_sec == last.tv_sec && now.tv_nsec >= last.tv_nsec);
        last = now;
    }
    return steps;
}

static uint64_t yields(void)
{
    enum { N = 40000 };
    pid_t child = fork();
    must(child >= 0, "fork");
    for (int i = 0; i < N; i++)
        sched_yield();
    if (child == 0)
        _exit(0);
    waitpid(child, NULL, 0);
    return N;
}

const struct workload system_workloads[] = {
    {"getppid", "system", "400,000 of the smallest system call", getppid_loop},
    {"fork-exit", "system", "400 processes forked and ended", fork_exit},
    {"fork-exec", "system", "200 processes forked, another program started in each", fork_exec},
    {"pipe", "system", "a byte to another process and back, 15,000 times", pipes},
    {"page-faults", "system", "40,960 fresh pages touched", page_faults},
    {"signals", "system", "40,000 signals to oneself", signal_delivery},
    {"mmap", "system", "20,000 mappings made, touched, taken away", map_unmap},
    {"futex", "system", "two threads wake each other 15,000 times", futexes},
    {"files", "system", "3,000 files made, written, read, deleted", files},
    {"clock", "system", "3 million readings of the clock without a system call", clocks},
    {"yield", "system", "two processes yield to each other 40,000 times", yields},
    {0},
};
