// Written by scripts/bpf/build.ts from what the compiler says of bpf/: not by hand.
export * from './front.ts';
