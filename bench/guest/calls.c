// Calls of every kind.
#include "bench.h"

__attribute__((noinline)) static uint64_t fibonacci(uint64_t n)
{
    return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

static uint64_t fib(void)
{
    return fibonacci(37);
}

struct shape;
struct methods {
    uint64_t (*area)(const struct shape *);
    void (*grow)(struct shape *, uint64_t);
};
struct shape {
    const struct methods *methods;
    uint64_t a, b;
};

__attribute__((noinline)) static uint64_t box_area(const struct shape *s) { return s->a * s->b; }
__attribute__((noinline)) static uint64_t disc_area(const struct shape *s) { return 3 * s->a * s->a; }
__attribute__((noinline)) static uint64_t line_area(const struct shape *s) { return s->b; }
__attribute__((noinline)) static void both_grow(struct shape *s, uint64_t n) { s->a += n; s->b ^= n; }
__attribute__((noinline)) static void one_grow(struct shape *s, uint64_t n) { s->a ^= n; }

static uint64_t virtual(void)
{
    static const struct methods kinds[3] = {{box_area, both_grow}, {disc_area, one_grow}, {line_area, both_grow}};
    static struct shape shapes[64];
    uint64_t sum = 0, state = 1;
    for (int i = 0; i < 64; i++)
        shapes[i] = (struct shape){&kinds[next_random(&state) % 3], i, i};
    for (int i = 0; i < 30000000; i++) {
        struct shape *s = &shapes[i & 63];
        s->methods->grow(s, (uint64_t)i & 3);
        sum += s->methods->area(s);
    }
    return sum;
}

__attribute__((noinline)) static uint64_t f0(uint64_t x) { return x + 1; }
__attribute__((noinline)) static uint64_t f1(uint64_t x) { return x ^ 0x55; }
__attribute__((noinline)) static uint64_t f2(uint64_t x) { return x * 3; }
__attribute__((noinline)) static uint64_t f3(uint64_t x) { return x - 7; }
__attribute__((noinline)) static uint64_t f4(uint64_t x) { return x >> 1; }
__attribute__((noinline)) static uint64_t f5(uint64_t x) { return x << 3; }
__attribute__((noinline)) static uint64_t f6(uint64_t x) { return ~x; }
__attribute__((noinline)) static uint64_t f7(uint64_t x) { return x & 0xFFFFFFFF; }

static uint64_t dispatch(void)
{
    static uint64_t (*const table[8])(uint64_t) = {f0, f1, f2, f3, f4, f5, f6, f7};
    static unsigned char sequence[512];
    uint64_t x = 1, state = 2;
    for (int i = 0; i < 512; i++)
        sequence[i] = next_random(&state) & 7;
    for (int i = 0; i < 60000000; i++)
        x = table[sequence[i & 511]](x);
    return x;
}

__attribute__((noinline, optimize("no-optimize-sibling-calls"))) static uint64_t descend(uint64_t depth, uint64_t x)
{
    return depth == 0 ? x : descend(depth - 1, x * 3 + depth) + 1;
}

static uint64_t deep(void)
{
    uint64_t sum = 0;
    for (int i = 0; i < 40000; i++)
        sum += descend(4000, i);
    return sum;
}

const struct workload call_workloads[] = {
    {"fib", "calls", "Fibonacci number 37, recursive", fib},
    {"virtual", "calls", "60 million calls through tables of three classes", virtual},
    {"dispatch", "calls", "60 million calls through a table of eight functions, in a sequence of 512", dispatch},
    {"deep", "calls", "recursion 4,000 deep, 40,000 times", deep},
    {0},
};
