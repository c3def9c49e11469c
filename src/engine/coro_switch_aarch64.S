// coro_switch_aarch64.S — from one stack to another, by the AAPCS64.
//
// x19 to x30 and the low halves of v8 to v15 are the callee's to keep. What begins and ends in one go returns, a switch jumps, for the
// reasons told in coro_switch_x86_64.S.

        .macro  save_registers
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
        .endm

        .macro  restore_registers
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
        .endm

        .text
        .globl  coro_begin
        .hidden coro_begin
        .type   coro_begin, %function
        .p2align 4
coro_begin:                             // x0: where this stack is saved, x1: the end of the other, x2: what to call there
        .cfi_startproc
        save_registers
        mov     x9, sp
        str     x9, [x0]
        mov     sp, x1
        .cfi_remember_state
        .cfi_undefined x30
        mov     x29, xzr                // the end of the chain of frames
        blr     x2
        mov     sp, x0
        .cfi_restore_state
        restore_registers
        ret
        .cfi_endproc
        .size   coro_begin, . - coro_begin

        .globl  coro_switch
        .hidden coro_switch
        .type   coro_switch, %function
        .p2align 4
coro_switch:                            // x0: where this stack is saved, x1: the other
        .cfi_startproc
        save_registers
        mov     x9, sp
        str     x9, [x0]
        mov     sp, x1
        restore_registers
        br      x30
        .cfi_endproc
        .size   coro_switch, . - coro_switch

        .section .note.GNU-stack, "", %progbits
