// Code that is made while it runs.
#include "bench.h"
#include <string.h>
#include <sys/mman.h>

typedef uint64_t (*function)(uint64_t);

// lea rax, [rdi + number]; ret
static size_t emit_add(unsigned char *at, uint32_t number)
{
    static const unsigned char lea[] = {0x48, 0x8D, 0x87};
    memcpy(at, lea, 3);
    memcpy(at + 3, &number, 4);
    at[7] = 0xC3;
    return 8;
}

static unsigned char *map(size_t bytes, int rights)
{
    unsigned char *p = mmap(NULL, bytes, rights, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(p != MAP_FAILED, "mmap");
    return p;
}

static uint64_t jit(void)
{
    enum { FUNCTIONS = 200, CALLS = 3000 };
    uint64_t x = 1;
    for (int round = 0; round < 40; round++) {
        unsigned char *code = map(FUNCTIONS * 32, PROT_READ | PROT_WRITE);
        for (int f = 0; f < FUNCTIONS; f++)
            emit_add(code + f * 32, (uint32_t)(f * 3 + round));
        must(mprotect(code, FUNCTIONS * 32, PROT_READ | PROT_EXEC) == 0, "mprotect");
        for (int f = 0; f < FUNCTIONS; f++)
            for (int i = 0; i < CALLS; i++)
                x = ((function)(void *)(code + f * 32))(x);
        munmap(code, FUNCTIONS * 32);
    }
    return x;
}

static uint64_t patch(void)
{
    unsigned char *code = map(4096, PROT_READ | PROT_WRITE | PROT_EXEC);
    emit_add(code, 0);
    uint64_t x = 1;
    for (uint32_t n = 0; n < 40000; n++) {
        memcpy(code + 3, &n, 4);
        for (int i = 0; i < 500; i++)
            x = ((function)(void *)code)(x);
    }
    munmap(code, 4096);
    return x;
}

static uint64_t fresh(void)
{
    enum { PAGES = 256 };
    uint64_t x = 1;
    for (int round = 0; round < 40; round++) {
        unsigned char *code = map(PAGES * 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
        for (int page = 0; page < PAGES; page++) {
            for (int f = 0; f < 64; f++)
                emit_add(code + page * 4096 + f * 64, (uint32_t)(f + page));
            for (int i = 0; i < 4; i++)
                for (int f = 0; f < 64; f++)
                    x = ((function)(void *)(code + page * 4096 + f * 64))(x);
        }
        munmap(code, PAGES * 4096);
    }
    return x;
}

const struct workload codegen_workloads[] = {
    {"jit", "codegen", "8,000 functions written, made executable and called 3,000 times each", jit},
    {"patch", "codegen", "an instruction changed 40,000 times, executed 500 times between", patch},
    {"fresh", "codegen", "10,240 fresh pages of 64 functions, each executed four times", fresh},
    {0},
};
