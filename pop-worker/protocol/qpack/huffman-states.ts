import { EOS, HUFFMAN_BITS, HUFFMAN_CODES } from './huffman-code.ts';

/**
 * The decoder as an automaton that eats four bits at a time. A state is an inner node of the code tree (there are 256,
 * the root is 0); the shortest code has five bits, so a step completes at most one symbol.
 */
export interface HuffmanStates {
  /** state × 16 + nibble → next state */
  readonly next: Uint8Array;
  /** …→ the symbol that the step completes */
  readonly symbol: Uint8Array;
  /** …→ what the step does: `STEP_EMIT`, `STEP_FAIL` or 0 */
  readonly step: Uint8Array;
  /** state → 1 when a string may end there: fewer than 8 bits pending, all of them ones (RFC 7541 §5.2) */
  readonly mayEnd: Uint8Array;
}

export const STEP_EMIT = 1;
export const STEP_FAIL = 2;

const NO_NODE = -1;

/** A binary tree in one array: entries 2n and 2n+1 are the children of node n, leaves are stored as ~symbol - 1. */
const buildTree = (): Int16Array => {
  const tree = new Int16Array(512).fill(NO_NODE);
  let nodes = 1;
  for (let symbol = 0; symbol <= EOS; symbol++) {
    const bits = HUFFMAN_BITS[symbol] as number;
    const code = HUFFMAN_CODES[symbol] as number;
    let node = 0;
    for (let bit = bits - 1; bit > 0; bit--) {
      const slot = node * 2 + ((code >>> bit) & 1);
      if (tree[slot] === NO_NODE) tree[slot] = nodes++;
      node = tree[slot] as number;
    }
    tree[node * 2 + (code & 1)] = ~symbol - 1;
  }
  return tree;
};

const fillStep = (tree: Int16Array, states: HuffmanStates, state: number, nibble: number): void => {
  const at = state * 16 + nibble;
  let node = state;
  for (let bit = 3; bit >= 0; bit--) {
    const child = tree[node * 2 + ((nibble >>> bit) & 1)] as number;
    if (child >= 0) {
      node = child;
      continue;
    }
    const symbol = ~(child + 1);
    if (symbol === EOS) {
      states.step[at] = STEP_FAIL;
      return;
    }
    states.step[at] = STEP_EMIT;
    states.symbol[at] = symbol;
    node = 0;
  }
  states.next[at] = node;
};

const build = (): HuffmanStates => {
  const tree = buildTree();
  const states: HuffmanStates = {
    next: new Uint8Array(4096),
    symbol: new Uint8Array(4096),
    step: new Uint8Array(4096),
    mayEnd: new Uint8Array(256),
  };
  for (let state = 0; state < 256; state++) {
    for (let nibble = 0; nibble < 16; nibble++) fillStep(tree, states, state, nibble);
  }
  let padding = 0;
  for (let bits = 0; bits < 8; bits++) {
    states.mayEnd[padding] = 1;
    padding = tree[padding * 2 + 1] as number;
  }
  return states;
};

export const HUFFMAN_STATES: HuffmanStates = build();
