// From the PVH entry (32-bit protected mode, no paging, EBX: start info) to run() in long mode, with the first 4 GiB mapped as they are.
    .section .note.pvh, "a", @note
    .align 4
    .long 4, 8, 18              // lengths of name and address, XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .quad start

    .text
    .code32
    .globl start
start:
    cli
    cld
    mov $stack_end, %esp
    mov %ebx, start_info

    // One table of the first level, one of the second, four of the third with pages of 2 MiB.
    movl $level2 + 3, level1
    mov $level3 + 3, %eax
    xor %ecx, %ecx
1:  mov %eax, level2(, %ecx, 8)
    add $4096, %eax
    inc %ecx
    cmp $4, %ecx
    jb 1b
    mov $0x83, %eax             // present, writable, large
    xor %ecx, %ecx
2:  mov %eax, level3(, %ecx, 8)
    add $0x200000, %eax
    inc %ecx
    cmp $2048, %ecx
    jb 2b
    orl $0x18, level3 + 8 * 0x7F6 // FEC00000h, I/O APIC and HPET: not cached
    orl $0x18, level3 + 8 * 0x7F7 // FEE00000h, the local APIC: not cached

    mov %cr4, %eax
    or $0x20, %eax              // PAE
    mov %eax, %cr4
    mov $level1, %eax
    mov %eax, %cr3
    mov $0xC0000080, %ecx       // EFER
    rdmsr
    or $0x100, %eax             // LME
    wrmsr
    mov %cr0, %eax
    and $0x9FFFFFFF, %eax       // caches on: CD and NW off
    or $0x80000001, %eax        // PG, PE
    mov %eax, %cr0
    lgdt gdt_place
    ljmp $8, $long_mode

    .code64
long_mode:
    mov $16, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    xor %eax, %eax
    mov %eax, %fs
    mov %eax, %gs
    mov $stack_end, %rsp
    call run
3:  hlt
    jmp 3b

    // Interrupts, counted.
    .globl on_interrupt
on_interrupt:
    incq interrupts(%rip)
    push %rax
    mov $0xFEE000B0, %eax       // end of interrupt
    movl $0, (%rax)
    pop %rax
    iretq

    .globl on_spurious
on_spurious:
    iretq

    // Exceptions: 32 entries of 16 bytes, which push the vector.
    .globl on_exceptions
    .align 16
on_exceptions:
    .set vector, 0
    .rept 32
    .align 16
    mov $vector, %edi
    jmp 4f
    .set vector, vector + 1
    .endr
4:  and $-16, %rsp
    call on_exception

    .section .rodata
    .align 8
gdt:
    .quad 0, 0x00AF9B000000FFFF, 0x00CF93000000FFFF
gdt_place:
    .word gdt_place - gdt - 1
    .long gdt

    .bss
    .globl start_info
    .align 8
start_info:
    .skip 8
    .align 4096
level1:
    .skip 4096
level2:
    .skip 4096
level3:
    .skip 4 * 4096
    .skip 16384
stack_end:

    .section .note.GNU-stack, "", @progbits
