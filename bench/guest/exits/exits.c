// A kernel that measures what a guest pays for what a hypervisor has to do itself: cycles of the TSC, there and back.
// On the first serial port it prints "exits: begin" at once, "exit NAME CYCLES" for each and "exits done"; then it writes 0 to
// port F4h, or 1 after a fault.
#include "../kernel/kernel.h"

enum { BATCH = 1000, BATCHES = 30 };

static uint32_t aux_msr;

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
    uint64_t before = interrupts;
    apic_write(APIC_COMMAND, APIC_TO_SELF | INTERRUPT);
    while (interrupts == before)
        ;
}

static void prepare(void)
{
    prepare_serial();
    print("exits: begin\r\n");
    prepare_interrupts();
    apic_write(APIC_TIMER, APIC_MASKED | INTERRUPT); // one shot
    apic_write(APIC_TIMER_DIVISOR, APIC_BY_1);

    // TSC_AUX where there is RDTSCP.
    uint32_t a, d;
    cpuid(0x80000000, &a, &d);
    aux_msr = MSR_SYSENTER_CS;
    if (a >= 0x80000001) {
        cpuid(0x80000001, &a, &d);
        if (d >> 27 & 1)
            aux_msr = MSR_TSC_AUX;
    }
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

void run(void)
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
