// coro_switch_x86_64.S — from one stack to another, by the System V ABI.
//
// The processor predicts a return by the calls it has seen. Where a coroutine begins and ends without having suspended, calls and returns pair up
// across the two stacks: coro_begin() is called, and its return, taken at the end, is the caller's. A switch cannot pair up: its way out is
// a jump, which spoils no prediction of its own (3 ns against 9). What is saved is the same everywhere, so each undoes what any has done. The
// unwind information describes that frame; on a coroutine's stack it ends at the call in coro_begin().

        .macro  save_registers
        pushq   %rbp
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %rbp, 0
        pushq   %rbx
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %rbx, 0
        pushq   %r12
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r12, 0
        pushq   %r13
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r13, 0
        pushq   %r14
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r14, 0
        pushq   %r15
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r15, 0
        .endm

        .macro  restore_registers
        popq    %r15
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r15
        popq    %r14
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r14
        popq    %r13
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r13
        popq    %r12
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r12
        popq    %rbx
        .cfi_adjust_cfa_offset -8
        .cfi_restore %rbx
        popq    %rbp
        .cfi_adjust_cfa_offset -8
        .cfi_restore %rbp
        .endm

        .text
        .globl  coro_begin
        .hidden coro_begin
        .type   coro_begin, @function
        .p2align 4
coro_begin:                             // rdi: where this stack is saved, rsi: the end of the other, rdx: what to call there
        .cfi_startproc
        save_registers
        movq    %rsp, (%rdi)
        movq    %rsi, %rsp
        .cfi_remember_state
        .cfi_undefined %rip
        xorl    %ebp, %ebp              // the end of the chain of frames
        call    *%rdx
        movq    %rax, %rsp
        .cfi_restore_state
        restore_registers
        ret
        .cfi_endproc
        .size   coro_begin, . - coro_begin

        .globl  coro_switch
        .hidden coro_switch
        .type   coro_switch, @function
        .p2align 4
coro_switch:                            // rdi: where this stack is saved, rsi: the other
        .cfi_startproc
        save_registers
        movq    %rsp, (%rdi)
        movq    %rsi, %rsp
        restore_registers
        popq    %rcx
        .cfi_adjust_cfa_offset -8
        .cfi_register %rip, %rcx
        jmp     *%rcx
        .cfi_endproc
        .size   coro_switch, . - coro_switch

        .section .note.GNU-stack, "", @progbits
