// What our kernels share: the machine's registers, the serial port and the interrupts of vCPU 0. start.S calls run().
#pragma once
#include <stdint.h>

enum { SERIAL = 0x3F8, LINE_STATUS = SERIAL + 5 };
enum { INTERRUPT = 0x40, SPURIOUS = 0xFF }; // the vectors that are no exceptions
enum {
    APIC_VERSION = 0x30,
    APIC_TASK_PRIORITY = 0x80,
    APIC_SPURIOUS = 0xF0,
    APIC_COMMAND = 0x300,
    APIC_COMMAND_TO = 0x310,
    APIC_TIMER = 0x320,
    APIC_TIMER_COUNT = 0x380,
    APIC_TIMER_DIVISOR = 0x3E0,
};
enum { APIC_MASKED = 0x10000, APIC_PERIODIC = 0x20000, APIC_TO_SELF = 0x40000, APIC_BY_1 = 0xB };
enum { MSR_APIC_BASE = 0x1B, MSR_SYSENTER_CS = 0x174 };
#define MSR_TSC_AUX 0xC0000103u

// Of Xen's hvm_start_info what is read here.
struct start_info {
    uint32_t magic, version, flags, modules;
    uint64_t module_list, command_line;
};

extern struct start_info *start_info;
extern volatile uint64_t interrupts; // so many came with the vector INTERRUPT

static inline void out8(uint16_t port, uint8_t value) { __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port)); }

static inline uint8_t in8(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline uint32_t apic_read(uint32_t at) { return *(volatile uint32_t *)(0xFEE00000ul + at); }
static inline void apic_write(uint32_t at, uint32_t value) { *(volatile uint32_t *)(0xFEE00000ul + at) = value; }

static inline uint64_t read_msr(uint32_t msr)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (uint64_t)high << 32 | low;
}

static inline void write_msr(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr" ::"c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}

static inline void cpuid(uint32_t leaf, uint32_t *a, uint32_t *d)
{
    uint32_t b, c = 0;
    *a = leaf;
    __asm__ volatile("cpuid" : "+a"(*a), "=b"(b), "+c"(c), "=d"(*d)::"memory");
}

static inline uint64_t cycles(void)
{
    uint32_t low, high;
    __asm__ volatile("lfence; rdtsc; lfence" : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
}

void prepare_serial(void);
void prepare_interrupts(void); // and lets them come
void print(const char *text);
void print_number(uint64_t n);
void end(uint8_t code) __attribute__((noreturn)); // writes it to port F4h
