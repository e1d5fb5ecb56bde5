// Two interpreters of the same bytecode.
#include "bench.h"

enum { PUSH, ADD, SUB, MUL, DUP, SWAP, LOAD, STORE, LESS, JUMPZ, JUMP, HALT };

// for (i = 0; i < 2000000; i++) { x = x * 3 + i; y = x - y; }
static const int program[] = {
    PUSH, 0, STORE, 0,                          // 0
    LOAD, 0, PUSH, 2000000, LESS, JUMPZ, 36,    // 4
    LOAD, 1, PUSH, 3, MUL, LOAD, 0, ADD, DUP, STORE, 1, // 11
    LOAD, 2, SUB, STORE, 2,                     // 22
    LOAD, 0, PUSH, 1, ADD, STORE, 0, JUMP, 4, // 27
    HALT,
};

static uint64_t switched(void)
{
    int64_t stack[16], variables[4] = {0}, *sp = stack;
    for (const int *pc = program;;) {
        switch (*pc++) {
        case PUSH: *sp++ = *pc++; break;
        case ADD: sp--; sp[-1] = (int64_t)((uint64_t)sp[-1] + (uint64_t)sp[0]); break;
        case SUB: sp--; sp[-1] = (int64_t)((uint64_t)sp[-1] - (uint64_t)sp[0]); break;
        case MUL: sp--; sp[-1] = (int64_t)((uint64_t)sp[-1] * (uint64_t)sp[0]); break;
        case DUP: sp[0] = sp[-1]; sp++; break;
        case SWAP: { int64_t t = sp[-1]; sp[-1] = sp[-2]; sp[-2] = t; break; }
        case LOAD: *sp++ = variables[*pc++]; break;
        case STORE: variables[*pc++] = *--sp; break;
        case LESS: sp--; sp[-1] = sp[-1] < sp[0]; break;
        case JUMPZ: pc = *--sp ? pc + 1 : program + *pc; break;
        case JUMP: pc = program + *pc; break;
        default: return (uint64_t)(variables[1] ^ variables[2]);
        }
    }
}

static uint64_t threaded(void)
{
    static const void *const labels[] = {&&push, &&add, &&sub, &&mul, &&dup, &&swap, &&load, &&store, &&less, &&jumpz, &&jump, &&halt};
    int64_t stack[16], variables[4] = {0}, *sp = stack;
    const int *pc = program;
#define NEXT goto *labels[*pc++]
    NEXT;
push: *sp++ = *pc++; NEXT;
add: sp--; sp[-1] = (int64_t)((uint64_t)sp[-1] + (uint64_t)sp[0]); NEXT;
sub: sp--; sp[-1] = (int64_t)((uint64_t)sp[-1] - (uint64_t)sp[0]); NEXT;
mul: sp--; sp[-1] = (int64_t)((uint64_t)sp[-1] * (uint64_t)sp[0]); NEXT;
dup: sp[0] = sp[-1]; sp++; NEXT;
swap: { int64_t t = sp[-1]; sp[-1] = sp[-2]; sp[-2] = t; } NEXT;
load: *sp++ = variables[*pc++]; NEXT;
store: variables[*pc++] = *--sp; NEXT;
less: sp--; sp[-1] = sp[-1] < sp[0]; NEXT;
jumpz: pc = *--sp ? pc + 1 : program + *pc; NEXT;
jump: pc = program + *pc; NEXT;
halt: return (uint64_t)(variables[1] ^ variables[2]);
}

const struct workload interpreter_workloads[] = {
    {"switch", "interpreters", "a stack machine by a switch, 38 million instructions", switched},
    {"threaded", "interpreters", "the same by computed gotos", threaded},
    {0},
};
