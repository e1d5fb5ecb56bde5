// bench list | bench tsc | bench NAME [REPETITIONS] | bench exec NAME REPETITIONS COMMAND [ARGUMENT...] | bench serve
// See README.md.
#include "bench.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

static const struct workload *const classes[] = {
    integer_workloads, floating_workloads, crypto_workloads, call_workloads, interpreter_workloads,
    codegen_workloads, memory_workloads, system_workloads, smp_workloads,
};

void must(int good, const char *what)
{
    if (!good) {
        fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
        exit(1);
    }
}

uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t count)
{
    const unsigned char *b = bytes;
    for (size_t i = 0; i < count; i++)
        hash = (hash ^ b[i]) * 0x100000001b3u;
    return hash;
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + t.tv_nsec;
}

// A reading of the clock and the TSC's midst around it: the closest of some, so that an interruption does not count.
static uint64_t tsc_at(uint64_t *ns)
{
    uint64_t tsc = 0, least = UINT64_MAX;
    for (int i = 0; i < 32; i++) {
        uint64_t before = __rdtsc(), now = now_ns(), width = __rdtsc() - before;
        if (width < least) {
            least = width;
            *ns = now;
            tsc = before + width / 2;
        }
    }
    return tsc;
}

// The rate of the TSC, in Hz.
static uint64_t tsc_rate(void)
{
    uint64_t start_ns, end_ns, start = tsc_at(&start_ns);
    usleep(50000);
    uint64_t end = tsc_at(&end_ns);
    return (uint64_t)((double)(end - start) * 1e9 / (double)(end_ns - start_ns));
}

static void report(const char *name, uint64_t ns, uint64_t sum)
{
    printf("bench %s %llu %016llx\n", name, (unsigned long long)ns, (unsigned long long)sum);
    fflush(stdout);
}

// Runs a workload; the first time is not counted.
static int run(const char *name, int repetitions)
{
    for (size_t c = 0; c < sizeof classes / sizeof *classes; c++) {
        for (const struct workload *w = classes[c]; w->name; w++) {
            if (strcmp(w->name, name) != 0)
                continue;
            if (w->supported && !w->supported()) {
                printf("bench %s unsupported\n", name);
                return 0;
            }
            w->run();
            for (int i = 0; i < repetitions; i++) {
                uint64_t start = now_ns();
                uint64_t sum = w->run();
                report(name, now_ns() - start, sum);
            }
            return 0;
        }
    }
    fprintf(stderr, "bench: there is no workload '%s'\n", name);
    return 1;
}

// Runs a program; what it prints is the sum.
static int run_program(const char *name, int repetitions, char **command)
{
    for (int i = -1; i < repetitions; i++) {
        int pipes[2];
        must(pipe(pipes) == 0, "pipe");
        uint64_t start = now_ns();
        pid_t child = fork();
        must(child >= 0, "fork");
        if (child == 0) {
            dup2(open("/dev/null", O_RDONLY), 0);
            dup2(pipes[1], 1);
            close(pipes[0]);
            close(pipes[1]);
            execvp(command[0], command);
            must(0, command[0]);
        }
        close(pipes[1]);
        static char buffer[1 << 16];
        uint64_t sum = HASH_START;
        ssize_t count;
        while ((count = read(pipes[0], buffer, sizeof buffer)) > 0)
            sum = hash_bytes(sum, buffer, (size_t)count);
        close(pipes[0]);
        int status;
        waitpid(child, &status, 0);
        uint64_t ns = now_ns() - start;
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            fprintf(stderr, "bench: %s ended with status %x\n", command[0], status);
            return 1;
        }
        if (i >= 0)
            report(name, ns, sum);
    }
    return 0;
}

static int execute(int count, char **words)
{
    if (count >= 5 && strcmp(words[1], "exec") == 0)
        return run_program(words[2], atoi(words[3]), words + 4);
    if (count == 2 || count == 3)
        return run(words[1], count == 3 ? atoi(words[2]) : 1);
    fprintf(stderr, "usage: bench list | tsc | NAME [REPETITIONS] | exec NAME REPETITIONS COMMAND [ARGUMENT...] | serve\n");
    return 2;
}

// Takes commands from lines, words apart by tabs; says when each is done.
static int serve(void)
{
    static char line[1 << 12];
    printf("bench: ready\n");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        char *words[64] = {"bench"};
        int count = 1;
        for (char *w = strtok(line, "\t\r\n"); w && count < 63; w = strtok(NULL, "\t\r\n"))
            words[count++] = w;
        int status = execute(count, words);
        printf("bench: done %d\n", status);
        fflush(stdout);
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "true") == 0)
        return 0;
    if (argc == 2 && strcmp(argv[1], "serve") == 0)
        return serve();
    if (argc == 2 && strcmp(argv[1], "list") == 0) {
        for (size_t c = 0; c < sizeof classes / sizeof *classes; c++)
            for (const struct workload *w = classes[c]; w->name; w++)
                printf("%s\t%s\t%s\n", w->name, w->class, w->what);
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "tsc") == 0) {
        printf("%llu\n", (unsigned long long)tsc_rate());
        return 0;
    }
    return execute(argc, argv);
}
