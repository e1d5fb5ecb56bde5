// What a second vCPU does after a start-up with vector 10h, in real mode at 1000:0000: it counts, and takes NMIs and interrupts.
// Copied there from here.
    .section .rodata
    .code16
    .globl second, second_ignore, second_interrupt, second_end
second:
    xor %ax, %ax
    mov %ax, %ds
    mov %ax, %ss
    mov $0x8000, %sp
    mov $0x1B, %ecx             // x2APIC: real mode does not reach FEE00000h
    rdmsr
    or $0xC00, %ax
    wrmsr
    mov $0x80F, %ecx            // on
    mov $0x1FF, %eax
    xor %edx, %edx
    wrmsr
    sti
1:  incl 0x600                  // SECOND_COUNT
    jmp 1b

second_ignore:
    iret

second_interrupt:
    pushal
    mov $0x80B, %ecx            // end of interrupt
    xor %eax, %eax
    xor %edx, %edx
    wrmsr
    popal
    iret
second_end:

    .section .note.GNU-stack, "", @progbits
