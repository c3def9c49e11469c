// coro_switch_aarch64.S — from one stack to another, by the AAPCS64.
//
// x19 to x30 and the low halves of v8 to v15 are the callee's to keep. The way out is a jump and not a return, as on x86-64.

        .text
        .globl  coro_switch
        .hidden coro_switch
        .type   coro_switch, %function
        .p2align 4
coro_switch:                            // x0: where this stack is saved, x1: the other
        .cfi_startproc
        sub     sp, sp, #160
        .cfi_adjust_cfa_offset 160
        stp     x19, x20, [sp, #0]
        stp     x21, x22, [sp, #16]
        stp     x23, x24, [sp, #32]
        stp     x25, x26, [sp, #48]
        stp     x27, x28, [sp, #64]
        stp     x29, x30, [sp, #80]
        .cfi_rel_offset x29, 80
        .cfi_rel_offset x30, 88
        stp     d8, d9, [sp, #96]
        stp     d10, d11, [sp, #112]
        stp     d12, d13, [sp, #128]
        stp     d14, d15, [sp, #144]
        mov     x9, sp
        str     x9, [x0]
        mov     sp, x1
        ldp     x19, x20, [sp, #0]
        ldp     x21, x22, [sp, #16]
        ldp     x23, x24, [sp, #32]
        ldp     x25, x26, [sp, #48]
        ldp     x27, x28, [sp, #64]
        ldp     x29, x30, [sp, #80]
        .cfi_restore x29
        .cfi_restore x30
        ldp     d8, d9, [sp, #96]
        ldp     d10, d11, [sp, #112]
        ldp     d12, d13, [sp, #128]
        ldp     d14, d15, [sp, #144]
        add     sp, sp, #160
        .cfi_adjust_cfa_offset -160
        br      x30
        .cfi_endproc
        .size   coro_switch, . - coro_switch

        .globl  coro_prepare
        .hidden coro_prepare
        .type   coro_prepare, %function
        .p2align 4
coro_prepare:                           // x0: lowest byte of the stack, x1: its bytes, x2: entry
        .cfi_startproc
        add     x0, x0, x1
        and     x0, x0, #-16
        sub     x0, x0, #160
        str     x2, [x0, #0]            // x19
        str     xzr, [x0, #80]          // x29: the end of the chain of frames
        adr     x9, coro_bottom
        str     x9, [x0, #88]           // x30
        ret
        .cfi_endproc
        .size   coro_prepare, . - coro_prepare

        .type   coro_bottom, %function
        .p2align 4
coro_bottom:
        .cfi_startproc
        .cfi_undefined x30
        blr     x19
        brk     #0
        .cfi_endproc
        .size   coro_bottom, . - coro_bottom

        .section .note.GNU-stack, "", %progbits
