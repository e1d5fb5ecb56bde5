// What bench/io runs on the host and in guests; each prints one number.
//
//   io disk read|write SECONDS BYTES THREADS sequential|random FILE    MB/s sequential, requests/s random; past the page cache
//   io serve PORT                                                      the other end of the next three
//   io send|receive HOST PORT SECONDS                                  Mbit/s
//   io ping HOST PORT COUNT                                            us a round trip of one byte by TCP
//   io copy SECONDS DIRECTORY|-                                        MB/s into a channel's memory, or a process's own
//   io call COUNT DIRECTORY|-  io answer DIRECTORY|-                   ns a round trip of a word through a channel's memory, or between threads
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static struct {
    const char *file;
    size_t bytes;
    int writes, random;
    double until;
    uint64_t size;
    atomic_ulong done, next;
} disk;

static void *disk_work(void *seed)
{
    int fd = open(disk.file, (disk.writes ? O_RDWR : O_RDONLY) | O_DIRECT);
    void *buffer;
    if (fd < 0 || posix_memalign(&buffer, 4096, disk.bytes))
        fail(disk.file);
    memset(buffer, 'b', disk.bytes);
    uint64_t x = (uintptr_t)seed * 0x9E3779B97F4A7C15u + 1, blocks = disk.size / disk.bytes;
    while (now() < disk.until) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        off_t at = (off_t)((disk.random ? x : atomic_fetch_add(&disk.next, 1)) % blocks * disk.bytes);
        ssize_t n = disk.writes ? pwrite(fd, buffer, disk.bytes, at) : pread(fd, buffer, disk.bytes, at);
        if (n != (ssize_t)disk.bytes)
            fail("transfer");
        atomic_fetch_add(&disk.done, 1);
    }
    return 0;
}

static void run_disk(char **v)
{
    disk.writes = v[0][0] == 'w';
    disk.bytes = strtoul(v[2], 0, 10);
    disk.random = v[4][0] == 'r';
    disk.file = v[5];
    int threads = atoi(v[3]), fd = open(disk.file, O_RDONLY);
    struct stat s;
    if (fd < 0 || fstat(fd, &s))
        fail(disk.file);
    disk.size = (uint64_t)s.st_size;
    if (S_ISBLK(s.st_mode))
        ioctl(fd, BLKGETSIZE64, &disk.size);
    pthread_t thread[64];
    double begun = now();
    disk.until = begun + atof(v[1]);
    for (int i = 0; i < threads; i++)
        pthread_create(&thread[i], 0, disk_work, (void *)(uintptr_t)(i + 1));
    for (int i = 0; i < threads; i++)
        pthread_join(thread[i], 0);
    double taken = now() - begun;
    printf("%.1f\n", (double)disk.done / taken * (disk.random ? 1 : (double)disk.bytes / 1e6));
}

static void *serve_one(void *argument)
{
    static char zeros[1 << 18];
    int fd = (int)(intptr_t)argument, on = 1;
    char kind, buffer[1 << 16];
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (read(fd, &kind, 1) == 1)
        for (ssize_t n = 1; n > 0;)
            n = kind == 's' ? read(fd, buffer, sizeof buffer) : kind == 'r' ? send(fd, zeros, sizeof zeros, MSG_NOSIGNAL)
                : (n = read(fd, buffer, 1)) > 0                             ? send(fd, buffer, 1, MSG_NOSIGNAL)
                                                                            : n;
    close(fd);
    return 0;
}

static void serve(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 8))
        fail("serve");
    for (;;) {
        pthread_t thread;
        int one = accept(fd, 0, 0);
        if (one >= 0 && !pthread_create(&thread, 0, serve_one, (void *)(intptr_t)one))
            pthread_detach(thread);
    }
}

static int reach(const char *host, const char *port, char kind)
{
    int on = 1;
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
    inet_pton(AF_INET, host, &a.sin_addr);
    for (int tries = 0;; tries++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        if (!connect(fd, (struct sockaddr *)&a, sizeof a)) {
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            if (write(fd, &kind, 1) != 1)
                fail("write");
            return fd;
        }
        close(fd);
        if (tries == 50)
            fail("connect");
        usleep(200000); // its address may be on the way
    }
}

static void stream(char **v, char kind)
{
    static char buffer[1 << 18];
    int fd = reach(v[0], v[1], kind);
    double begun = now(), until = begun + atof(v[2]), all = 0;
    while (now() < until) {
        ssize_t n = kind == 's' ? write(fd, buffer, sizeof buffer) : read(fd, buffer, sizeof buffer);
        if (n <= 0)
            fail("stream");
        all += (double)n;
    }
    printf("%.0f\n", all * 8 / (now() - begun) / 1e6);
}

static void ping(char **v)
{
    int fd = reach(v[0], v[1], 'p'), count = atoi(v[2]);
    char c = 1;
    double begun = now();
    for (int i = 0; i < count; i++)
        if (write(fd, &c, 1) != 1 || read(fd, &c, 1) != 1)
            fail("ping");
    printf("%.1f\n", (now() - begun) / count * 1e6);
}

static size_t channel_bytes = 4 << 20;

static volatile unsigned char *channel(const char *directory)
{
    static volatile unsigned char *own;
    if (!strcmp(directory, "-"))
        return own ? own : (own = mmap(0, channel_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    char path[256];
    snprintf(path, sizeof path, "%s/enable", directory);
    int fd = open(path, O_WRONLY);
    if (fd < 0 || write(fd, "1", 1) != 1)
        fail(path);
    close(fd);
    snprintf(path, sizeof path, "%s/resource2", directory);
    struct stat s;
    fd = open(path, O_RDWR);
    if (fd < 0 || fstat(fd, &s))
        fail(path);
    channel_bytes = (size_t)s.st_size;
    void *m = mmap(0, channel_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (m == MAP_FAILED)
        fail(path);
    return m;
}

static void copy(char **v)
{
    volatile unsigned char *m = channel(v[1]);
    unsigned char *from = malloc(channel_bytes);
    memset(from, 1, channel_bytes);
    double begun = now(), until = begun + atof(v[0]), all = 0;
    while (now() < until) {
        memcpy((void *)m, from, channel_bytes);
        __asm__ volatile("" ::: "memory");
        all += (double)channel_bytes;
    }
    printf("%.0f\n", all / (now() - begun) / 1e6);
}

// A word each way, a cache line of its own; all ones ends it.
static void *answer(void *argument)
{
    _Atomic uint64_t *in = (_Atomic uint64_t *)(uintptr_t)channel(argument), *out = in + 8;
    atomic_store(out, ~0ul);
    for (uint64_t last = 0, word; (word = atomic_load_explicit(in, memory_order_acquire)) != ~0ul;)
        if (word != last)
            atomic_store_explicit(out, last = word, memory_order_release);
    return 0;
}

static void call(char **v)
{
    _Atomic uint64_t *out = (_Atomic uint64_t *)(uintptr_t)channel(v[1]), *in = out + 8;
    pthread_t thread;
    if (!strcmp(v[1], "-"))
        pthread_create(&thread, 0, answer, v[1]);
    while (atomic_load(in) != ~0ul)
        usleep(1000);
    uint64_t count = strtoul(v[0], 0, 10);
    double begun = now();
    for (uint64_t i = 1; i <= count; i++) {
        atomic_store_explicit(out, i, memory_order_release);
        while (atomic_load_explicit(in, memory_order_acquire) != i)
            ;
    }
    printf("%.0f\n", (now() - begun) / (double)count * 1e9);
    atomic_store(out, ~0ul);
}

int main(int c, char **v)
{
    const char *what = c > 1 ? v[1] : "";
    if (!strcmp(what, "disk") && c == 8)
        run_disk(v + 2);
    else if (!strcmp(what, "serve") && c == 3)
        serve(atoi(v[2]));
    else if ((!strcmp(what, "send") || !strcmp(what, "receive")) && c == 5)
        stream(v + 2, what[0]);
    else if (!strcmp(what, "ping") && c == 5)
        ping(v + 2);
    else if (!strcmp(what, "copy") && c == 4)
        copy(v + 2);
    else if (!strcmp(what, "call") && c == 4)
        call(v + 2);
    else if (!strcmp(what, "answer") && c == 3)
        answer(v[2]);
    else
        return fprintf(stderr, "io: see io.c for what it takes\n"), 2;
    return 0;
}
