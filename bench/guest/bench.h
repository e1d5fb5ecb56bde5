// What every file of workloads needs.
#pragma once
#define _GNU_SOURCE
#include <stddef.h>
#include <stdint.h>

// One workload: what it is, and the work. It returns a number that depends on the work alone.
struct workload {
    const char *name;
    const char *class;
    const char *what;
    uint64_t (*run)(void);
    int (*supported)(void); // NULL: anywhere
};

extern const struct workload integer_workloads[], floating_workloads[], crypto_workloads[], call_workloads[], interpreter_workloads[],
    codegen_workloads[], memory_workloads[], system_workloads[], smp_workloads[];

// The same numbers every time.
static inline uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 29;
}

// FNV-1a over bytes.
uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t count);
#define HASH_START 0xcbf29ce484222325u

// Ends the program with a message where a call failed.
void must(int good, const char *what);
