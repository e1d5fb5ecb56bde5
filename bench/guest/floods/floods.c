// A kernel that does what its command line says after "flood=", without end.
// "victim" counts loops and prints "flood: victim LOOPS CYCLES" about every 2^30 cycles of the TSC. The others print "flood: KIND"
// and begin: they flood a vCPU, which computes all the while (or, of exits, does little else). It is the first one, or for nmi,
// sipi, init and ipi the second, which the first one floods. A second vCPU that is there computes with any kind.
#include "../kernel/kernel.h"

#define VICTIM_CYCLES (1ul << 30)
enum { VICTIM_BATCH = 1 << 16 };

// The timers' periods: 10 us is the shortest the local APIC and the HPET give here, whose clocks are of 1 GHz and 100 MHz.
enum { APIC_PERIOD = 10000, PIT_PERIOD = 2 };
#define HPET_PERIOD_FS 10000000000ul

enum { PIT_COUNTER_0 = 0x40, PIT_CONTROL = 0x43, PIT_MODE_2 = 0x34 };
enum { HPET_CONFIG = 0x10, HPET_TIMER = 0x100, HPET_COMPARATOR = 0x108 };
enum { HPET_ON = 1, HPET_LEGACY = 2, HPET_TIMER_ON = 4, HPET_PERIODIC = 8, HPET_SETS_VALUE = 0x40 };
enum { TIMER_PIN = 2 }; // where the PIT, or the HPET in its place, comes in at the I/O APIC

// The second vCPU: ID 1. What it runs lies at the page that is the vector of its start-up; below it are its interrupt vectors.
enum { SECOND_PAGE = 0x10, SECOND_COUNT = 0x600, REAL_MODE_VECTORS = 256, NMI = 2 };
enum { TO_OTHERS = 0xC0000, SEND_NMI = 0x4400, SEND_INIT = 0x4500, SEND_START_UP = 0x4600 | SECOND_PAGE };
extern const uint8_t second[], second_ignore[], second_interrupt[], second_end[];

static volatile uint64_t count;

// Code that is written and called: MOV EAX, imm32; RET. Nothing here is protected from being executed.
static uint8_t own_code[4096] __attribute__((aligned(4096))) = {0xB8, 0, 0, 0, 0, 0xC3};

// Memory where C has the null pointer and nothing else.
static volatile uint32_t *low_memory(uint64_t address)
{
    __asm__("" : "+r"(address));
    return (volatile uint32_t *)address;
}

static uint64_t hpet_read(uint32_t at) { return *(volatile uint64_t *)(0xFED00000ul + at); }
static void hpet_write(uint32_t at, uint64_t value) { *(volatile uint64_t *)(0xFED00000ul + at) = value; }

static void io_apic_write(uint32_t at, uint32_t value)
{
    *(volatile uint32_t *)0xFEC00000ul = at;
    *(volatile uint32_t *)0xFEC00010ul = value;
}

static void route_timer(void)
{
    io_apic_write(0x11 + 2 * TIMER_PIN, 0); // to ID 0
    io_apic_write(0x10 + 2 * TIMER_PIN, INTERRUPT);
}

static void start_apic_timer(void)
{
    apic_write(APIC_TIMER_DIVISOR, APIC_BY_1);
    apic_write(APIC_TIMER, APIC_PERIODIC | INTERRUPT);
    apic_write(APIC_TIMER_COUNT, APIC_PERIOD);
}

static void start_pit(void)
{
    out8(PIT_CONTROL, PIT_MODE_2);
    out8(PIT_COUNTER_0, PIT_PERIOD);
    out8(PIT_COUNTER_0, 0);
}

static void start_routed_pit(void)
{
    route_timer();
    start_pit();
}

static void start_hpet(void)
{
    uint64_t tick_fs = hpet_read(0) >> 32;
    if (tick_fs == 0 || tick_fs > 100000000) { // the specification's most
        print("flood: no HPET\r\n");
        end(1);
    }
    route_timer();
    hpet_write(HPET_TIMER, HPET_TIMER_ON | HPET_PERIODIC | HPET_SETS_VALUE);
    hpet_write(HPET_COMPARATOR, HPET_PERIOD_FS / tick_fs);
    hpet_write(HPET_CONFIG, HPET_ON | HPET_LEGACY);
}

static void start_second(void)
{
    volatile uint8_t *code = (volatile uint8_t *)low_memory(SECOND_PAGE << 12);
    for (const uint8_t *from = second; from < second_end; from++)
        *code++ = *from;
    for (uint32_t vector = 0; vector < REAL_MODE_VECTORS; vector++) {
        const uint8_t *handler = vector == INTERRUPT ? second_interrupt : second_ignore;
        *low_memory(4 * vector) = SECOND_PAGE << 24 | (uint32_t)(handler - second);
    }
    apic_write(APIC_COMMAND, TO_OTHERS | SEND_INIT);
    apic_write(APIC_COMMAND, TO_OTHERS | SEND_START_UP);
    apic_write(APIC_COMMAND_TO, 1u << 24);
}

static void await_second(void)
{
    while (!*low_memory(SECOND_COUNT))
        ;
}

static void nothing(void) {}

static void leaf_0(void)
{
    uint32_t a, d;
    cpuid(0, &a, &d);
}

static void read_port(void) { in8(LINE_STATUS); }
static void flush(void) { __asm__ volatile("mov %%cr3, %%rax; mov %%rax, %%cr3" ::: "rax", "memory"); }
static void rewrite(void)
{
    *(volatile uint32_t *)(own_code + 1) = (uint32_t)count;
    ((uint32_t(*)(void))own_code)();
}

static void send_nmi(void) { apic_write(APIC_COMMAND, SEND_NMI); }
static void send_start_up(void) { apic_write(APIC_COMMAND, SEND_START_UP); }
static void send_ipi(void) { apic_write(APIC_COMMAND, INTERRUPT); }
static void restart(void)
{
    apic_write(APIC_COMMAND, SEND_INIT);
    apic_write(APIC_COMMAND, SEND_START_UP);
}

static const struct kind {
    const char *name;
    int is_of_second;
    void (*begin)(void), (*again)(void);
} kinds[] = {
    {"calm", 0, nothing, nothing},
    {"timer", 0, start_apic_timer, nothing},
    {"pit", 0, start_routed_pit, nothing},
    {"pit-masked", 0, start_pit, nothing},
    {"hpet", 0, start_hpet, nothing},
    {"cpuid", 0, nothing, leaf_0},
    {"port", 0, nothing, read_port},
    {"flush", 0, nothing, flush},
    {"smc", 0, nothing, rewrite},
    {"nmi", 1, nothing, send_nmi},
    {"sipi", 1, nothing, send_start_up},
    {"init", 1, nothing, restart},
    {"ipi", 1, nothing, send_ipi},
};

static void be_victim(void)
{
    for (;;) {
        uint64_t loops = 0, start = cycles(), took;
        do {
            for (int i = 0; i < VICTIM_BATCH; i++)
                __asm__ volatile("");
            loops += VICTIM_BATCH;
            took = cycles() - start;
        } while (took < VICTIM_CYCLES);
        print("flood: victim ");
        print_number(loops);
        print(" ");
        print_number(took);
        print("\r\n");
    }
}

static int begins(const char *text, const char *word)
{
    while (*word)
        if (*text++ != *word++)
            return 0;
    return 1;
}

// Whether the command line has the words "flood=NAME".
static int is_asked(const char *name)
{
    for (const char *at = (const char *)start_info->command_line; *at; at++) {
        if (!begins(at, "flood=") || !begins(at + 6, name))
            continue;
        const char *behind = at + 6;
        while (*name)
            name++, behind++;
        return *behind == 0 || *behind == ' ';
    }
    return 0;
}

void run(void)
{
    prepare_serial();
    prepare_interrupts();
    if (is_asked("victim"))
        be_victim();
    for (const struct kind *kind = kinds; kind < kinds + sizeof kinds / sizeof *kinds; kind++) {
        if (!is_asked(kind->name))
            continue;
        start_second();
        if (kind->is_of_second)
            await_second();
        print("flood: ");
        print(kind->name);
        print("\r\n");
        kind->begin(); // of a vCPU that floods itself, little more may come
        for (;;) {
            kind->again();
            count++;
        }
    }
    print("flood: of what kind?\r\n");
    end(1);
}
