// The same work by one thread and by two.
#include "bench.h"
#include <pthread.h>
#include <stdlib.h>

enum { N = 1 << 20, PARTS = 16 };
static uint64_t numbers[N];

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int next_part;

static void *sort_parts(void *unused)
{
    for (;;) {
        pthread_mutex_lock(&lock);
        int part = next_part++;
        pthread_mutex_unlock(&lock);
        if (part >= PARTS)
            return unused;
        qsort(numbers + part * (N / PARTS), N / PARTS, sizeof *numbers, compare);
    }
}

static void run_threads(int count, void *(*body)(void *))
{
    pthread_t threads[8];
    for (int i = 0; i < count; i++)
        must(pthread_create(&threads[i], NULL, body, NULL) == 0, "pthread_create");
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

static uint64_t sort(int threads)
{
    uint64_t state = 1, sum = 0;
    for (int i = 0; i < N; i++)
        numbers[i] = next_random(&state);
    next_part = 0;
    run_threads(threads, sort_parts);
    for (int part = 0; part < PARTS; part++)
        sum += numbers[part * (N / PARTS) + 100];
    return sum;
}

enum { ITEMS = 200000, QUEUE = 64 };
static uint64_t queue[QUEUE], taken_sum;
static int put, taken, made;
static pthread_cond_t not_empty = PTHREAD_COND_INITIALIZER, not_full = PTHREAD_COND_INITIALIZER;

static void *work(void *unused)
{
    for (;;) {
        // Makes one item and takes one.
        pthread_mutex_lock(&lock);
        if (made < ITEMS && put - taken < QUEUE) {
            queue[put++ % QUEUE] = (uint64_t)made++;
            pthread_cond_signal(&not_empty);
        }
        if (taken == ITEMS) {
            pthread_cond_broadcast(&not_empty);
            pthread_mutex_unlock(&lock);
            return unused;
        }
        if (put == taken) {
            pthread_cond_wait(&not_empty, &lock);
            pthread_mutex_unlock(&lock);
            continue;
        }
        uint64_t item = queue[taken++ % QUEUE];
        pthread_cond_signal(&not_full);
        pthread_mutex_unlock(&lock);
        uint64_t x = item + 1;
        for (int i = 0; i < 300; i++)
            x = x * 6364136223846793005u + item;
        __atomic_fetch_add(&taken_sum, x, __ATOMIC_RELAXED);
    }
}

static uint64_t queued(int threads)
{
    put = taken = made = 0;
    taken_sum = 0;
    run_threads(threads, work);
    return taken_sum;
}

static uint64_t sort_1(void) { return sort(1); }
static uint64_t sort_2(void) { return sort(2); }
static uint64_t queue_1(void) { return queued(1); }
static uint64_t queue_2(void) { return queued(2); }

const struct workload smp_workloads[] = {
    {"sort-1", "smp", "16 sorts of 65,536 numbers, one thread", sort_1},
    {"sort-2", "smp", "the same by two threads", sort_2},
    {"queue-1", "smp", "200,000 items through a locked queue, one thread", queue_1},
    {"queue-2", "smp", "the same by two threads", queue_2},
    {0},
};
