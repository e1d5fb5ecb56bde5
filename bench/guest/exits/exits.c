// A kernel that measures what a guest pays for what a hypervisor has to do itself: cycles of the TSC, there and back.
// On the first serial port it prints "exits: begin" at once, "exit NAME CYCLES" for each and "exits done"; then it writes 0 to
// port F4h, or 1 after a fault.
#include <stdint.h>

enum { BATCH = 1000, BATCHES = 30 };
enum { SERIAL = 0x3F8, LINE_STATUS = SERIAL + 5, DEBUG_EXIT = 0xF4 };
enum { SELF_IPI = 0x40, SPURIOUS = 0xFF };
enum {
    APIC_VERSION = 0x30,
    APIC_TASK_PRIORITY = 0x80,
    APIC_SPURIOUS = 0xF0,
    APIC_COMMAND = 0x300,
    APIC_TIMER = 0x320,
    APIC_TIMER_COUNT = 0x380,
    APIC_TIMER_DIVISOR = 0x3E0,
};
enum { MSR_APIC_BASE = 0x1B, MSR_SYSENTER_CS = 0x174 };
#define MSR_TSC_AUX 0xC0000103u

struct gate {
    uint16_t offset_low, selector, type, offset_middle;
    uint32_t offset_high, zero;
};

struct table_place {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

extern const char on_self_ipi[], on_spurious[], on_exceptions[];
volatile uint64_t self_ipis;

static struct gate gates[256];
static uint32_t aux_msr;

static void out8(uint16_t port, uint8_t value) { __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port)); }

static uint8_t in8(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static uint32_t apic_read(uint32_t at) { return *(volatile uint32_t *)(0xFEE00000ul + at); }
static void apic_write(uint32_t at, uint32_t value) { *(volatile uint32_t *)(0xFEE00000ul + at) = value; }

static uint64_t read_msr(uint32_t msr)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (uint64_t)high << 32 | low;
}

static void write_msr(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr" ::"c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}

static void cpuid(uint32_t leaf, uint32_t *a, uint32_t *d)
{
    uint32_t b, c = 0;
    *a = leaf;
    __asm__ volatile("cpuid" : "+a"(*a), "=b"(b), "+c"(c), "=d"(*d)::"memory");
}

static uint64_t cycles(void)
{
    uint32_t low, high;
    __asm__ volatile("lfence; rdtsc; lfence" : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
}

static void print(const char *text)
{
    for (; *text; text++) {
        while (!(in8(LINE_STATUS) & 0x20))
            ;
        out8(SERIAL, (uint8_t)*text);
    }
}

static void print_number(uint64_t n)
{
    char digits[21], *p = digits + 20;
    *p = 0;
    do
        *--p = (char)('0' + n % 10);
    while (n /= 10);
    print(p);
}

static void end(uint8_t code)
{
    while (!(in8(LINE_STATUS) & 0x40)) // all sent
        ;
    out8(DEBUG_EXIT, code);
    for (;;)
        __asm__ volatile("cli; hlt");
}

void on_exception(uint32_t vector)
{
    print("exits: exception ");
    print_number(vector);
    print("\r\n");
    end(1);
}

static void read_port(void) { in8(LINE_STATUS); }
static void read_mmio(void) { apic_read(APIC_VERSION); }
static void write_aux(void) { write_msr(aux_msr, 0); }
static void start_timer(void) { apic_write(APIC_TIMER_COUNT, 0x7FFFFFFF); }

static void leaf_0(void)
{
    uint32_t a, d;
    cpuid(0, &a, &d);
}

static void send_self_ipi(void)
{
    uint64_t before = self_ipis;
    apic_write(APIC_COMMAND, 0x40000 | SELF_IPI); // to itself, fixed
    while (self_ipis == before)
        ;
}

static void set_gate(int vector, const char *handler)
{
    uint64_t offset = (uint64_t)handler;
    gates[vector] = (struct gate){(uint16_t)offset, 8, 0x8E00, (uint16_t)(offset >> 16), (uint32_t)(offset >> 32), 0};
}

static void prepare(void)
{
    out8(SERIAL + 1, 0);    // no interrupts
    out8(SERIAL + 3, 0x80); // 115,200 bits per second
    out8(SERIAL, 1);
    out8(SERIAL + 1, 0);
    out8(SERIAL + 3, 3); // 8 bits, no parity, one stop bit
    out8(SERIAL + 2, 7);
    print("exits: begin\r\n");

    for (int i = 0; i < 32; i++)
        set_gate(i, on_exceptions + 16 * i);
    set_gate(SELF_IPI, on_self_ipi);
    set_gate(SPURIOUS, on_spurious);
    struct table_place place = {sizeof gates - 1, (uint64_t)gates};
    __asm__ volatile("lidt %0" ::"m"(place), "m"(gates));

    out8(0x21, 0xFF); // nothing from the 8259s
    out8(0xA1, 0xFF);
    write_msr(MSR_APIC_BASE, read_msr(MSR_APIC_BASE) | 0x800);
    apic_write(APIC_SPURIOUS, 0x100 | SPURIOUS);
    apic_write(APIC_TASK_PRIORITY, 0);
    apic_write(APIC_TIMER, 0x10000 | (SELF_IPI + 1)); // one shot, masked
    apic_write(APIC_TIMER_DIVISOR, 0xB);              // by 1

    // TSC_AUX where there is RDTSCP.
    uint32_t a, d;
    cpuid(0x80000000, &a, &d);
    aux_msr = MSR_SYSENTER_CS;
    if (a >= 0x80000001) {
        cpuid(0x80000001, &a, &d);
        if (d >> 27 & 1)
            aux_msr = MSR_TSC_AUX;
    }
    __asm__ volatile("sti");
}

// Cycles of one operation: the best of some batches. The call and the loop are within.
static void measure_one(const char *name, void (*operation)(void))
{
    uint64_t best = ~0ul;
    for (int batch = 0; batch < BATCHES; batch++) {
        uint64_t start = cycles();
        for (int i = 0; i < BATCH; i++)
            operation();
        uint64_t took = cycles() - start;
        if (took < best)
            best = took;
    }
    print("exit ");
    print(name);
    print(" ");
    print_number((best + BATCH / 2) / BATCH);
    print("\r\n");
}

void measure(void)
{
    prepare();
    measure_one("port-read", read_port);
    measure_one("mmio-read", read_mmio);
    measure_one("cpuid", leaf_0);
    measure_one("msr-write", write_aux);
    measure_one("self-ipi", send_self_ipi);
    measure_one("timer", start_timer);
    apic_write(APIC_TIMER_COUNT, 0);
    print("exits done\r\n");
    end(0);
}
