// Copying, filling, chasing, streaming, touching.
#include "bench.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static uint64_t copy(void)
{
    enum { N = 512 << 10 };
    static char a[N], b[N];
    memset(a, 3, N);
    for (int i = 0; i < 4000; i++) {
        a[i] = (char)i;
        memcpy(b, a, N);
        __asm__ volatile("" ::"r"(b) : "memory");
    }
    return hash_bytes(HASH_START, b, 4096);
}

static uint64_t rep_movs(void)
{
    enum { N = 64 << 10 };
    static char a[N], b[N];
    memset(a, 5, N);
    for (int i = 0; i < 50000; i++) {
        void *from = a, *to = b;
        size_t n = N;
        a[i] = (char)i;
        __asm__ volatile("rep movsb" : "+S"(from), "+D"(to), "+c"(n)::"memory");
    }
    return hash_bytes(HASH_START, b, 4096);
}

static uint64_t rep_stos(void)
{
    enum { N = 64 << 10 };
    static char b[N];
    for (int i = 0; i < 80000; i++) {
        void *to = b;
        size_t n = N / 8;
        __asm__ volatile("rep stosq" : "+D"(to), "+c"(n) : "a"((uint64_t)i) : "memory");
    }
    return hash_bytes(HASH_START, b, 4096);
}

enum { WORDS = (64 << 20) / 8 };
static uint64_t words[WORDS];

static uint64_t random_access(void)
{
    uint64_t state = 1, sum = 0;
    if (words[1] == 0)
        for (uint64_t i = 0; i < WORDS; i++)
            words[i] = i * 3 + 1;
    for (int i = 0; i < 10000000; i++)
        sum += words[next_random(&state) % WORDS];
    return sum;
}

static uint64_t chase(void)
{
    static uint32_t *next;
    enum { N = (64 << 20) / 64 };
    if (!next) {
        next = malloc((size_t)N * 64);
        must(next != NULL, "malloc");
        for (uint32_t i = 0; i < N; i++)
            next[i * 16] = i;
        uint64_t state = 9;
        for (uint32_t i = N - 1; i > 0; i--) {
            uint32_t j = (uint32_t)(next_random(&state) % i), t = next[i * 16];
            next[i * 16] = next[j * 16];
            next[j * 16] = t;
        }
    }
    uint32_t at = 0;
    for (int i = 0; i < 1500000; i++)
        at = next[at * 16];
    return at;
}

static uint64_t stream(void)
{
    enum { N = 2 << 20 };
    static double a[N], b[N], c[N];
    for (int i = 0; i < N; i++) {
        b[i] = i;
        c[i] = 2;
    }
    for (int round = 0; round < 12; round++)
        for (int i = 0; i < N; i++)
            a[i] = b[i] + 3 * c[i] + round;
    uint64_t bits;
    memcpy(&bits, &a[12345], 8);
    return bits;
}

static uint64_t touch(void)
{
    enum { N = 64 << 20 };
    uint64_t sum = 0;
    for (int round = 0; round < 3; round++) {
        char *p = mmap(NULL, N, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        must(p != MAP_FAILED, "mmap");
        madvise(p, N, MADV_NOHUGEPAGE);
        for (int i = 0; i < N; i += 4096)
            sum += (uint64_t)(p[i] = (char)(i >> 12));
        munmap(p, N);
    }
    return sum;
}

const struct workload memory_workloads[] = {
    {"memcpy", "memory", "2 GiB copied by memcpy, 512 KiB a time", copy},
    {"rep-movs", "memory", "3 GiB copied by REP MOVSB, 64 KiB a time", rep_movs},
    {"rep-stos", "memory", "5 GiB filled by REP STOSQ, 64 KiB a time", rep_stos},
    {"random-64m", "memory", "10 million reads all over 64 MiB", random_access},
    {"chase-64m", "memory", "1.5 million steps of a chain all over 64 MiB", chase},
    {"stream", "memory", "a triad over three arrays of 16 MiB", stream},
    {"touch", "memory", "64 MiB mapped, each page touched, unmapped", touch},
    {0},
};
