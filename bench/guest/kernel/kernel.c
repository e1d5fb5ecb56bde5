#include "kernel.h"

enum { DEBUG_EXIT = 0xF4 };

struct gate {
    uint16_t offset_low, selector, type, offset_middle;
    uint32_t offset_high, zero;
};

struct table_place {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

extern const char on_interrupt[], on_spurious[], on_exceptions[];
volatile uint64_t interrupts;

static struct gate gates[256];

void print(const char *text)
{
    for (; *text; text++) {
        while (!(in8(LINE_STATUS) & 0x20))
            ;
        out8(SERIAL, (uint8_t)*text);
    }
}

void print_number(uint64_t n)
{
    char digits[21], *p = digits + 20;
    *p = 0;
    do
        *--p = (char)('0' + n % 10);
    while (n /= 10);
    print(p);
}

void end(uint8_t code)
{
    while (!(in8(LINE_STATUS) & 0x40)) // all sent
        ;
    out8(DEBUG_EXIT, code);
    for (;;)
        __asm__ volatile("cli; hlt");
}

void on_exception(uint32_t vector)
{
    print("exception ");
    print_number(vector);
    print("\r\n");
    end(1);
}

static void set_gate(int vector, const char *handler)
{
    uint64_t offset = (uint64_t)handler;
    gates[vector] = (struct gate){(uint16_t)offset, 8, 0x8E00, (uint16_t)(offset >> 16), (uint32_t)(offset >> 32), 0};
}

void prepare_serial(void)
{
    out8(SERIAL + 1, 0);    // no interrupts
    out8(SERIAL + 3, 0x80); // 115,200 bits per second
    out8(SERIAL, 1);
    out8(SERIAL + 1, 0);
    out8(SERIAL + 3, 3); // 8 bits, no parity, one stop bit
    out8(SERIAL + 2, 7);
}

void prepare_interrupts(void)
{
    for (int i = 0; i < 32; i++)
        set_gate(i, on_exceptions + 16 * i);
    set_gate(INTERRUPT, on_interrupt);
    set_gate(SPURIOUS, on_spurious);
    struct table_place place = {sizeof gates - 1, (uint64_t)gates};
    __asm__ volatile("lidt %0" ::"m"(place), "m"(gates));

    out8(0x21, 0xFF); // nothing from the 8259s
    out8(0xA1, 0xFF);
    write_msr(MSR_APIC_BASE, read_msr(MSR_APIC_BASE) | 0x800);
    apic_write(APIC_SPURIOUS, 0x100 | SPURIOUS);
    apic_write(APIC_TASK_PRIORITY, 0);
    __asm__ volatile("sti");
}
