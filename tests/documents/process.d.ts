// process.d.ts — the little of Node that client.ts uses.
declare const process: { argv: string[]; exit(code: number): never };
