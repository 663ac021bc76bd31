/** A range of bits of an address (RFC 8955 §4.2.2.1, RFC 8956 §3.1): those from `offset` to `length`. */
export interface PrefixComponent {
  readonly kind: 'prefix';
  readonly type: number;
  readonly length: number;
  /** Always 0 in IPv4. */
  readonly offset: number;
  /** Of the whole address, 4 or 16 bytes; bits outside the range are zero. */
  readonly address: Uint8Array;
}

/** One comparison of a list. AND binds closer than OR (RFC 8955 §4.2.1.1). */
export interface Term {
  /** Together with the one before it; otherwise an alternative to it. */
  readonly isAnd: boolean;
  /** The four lowest bits of the operator, bit 3 aside: `NumericOperator` or `BitmaskOperator`. */
  readonly operator: number;
  /** Exact to 2^53; no field of a packet is longer than four bytes. */
  readonly value: number;
}

/** A field of a packet that is compared (RFC 8955 §4.2.2). */
export interface FieldComponent {
  readonly kind: 'field';
  readonly type: number;
  /** At least one. */
  readonly terms: readonly Term[];
}

export type FlowComponent = FieldComponent | PrefixComponent;

/** All of them match, in the order of their types, none twice. */
export type FlowSpec = readonly FlowComponent[];

/** RFC 8955 §4.2.1.1, table 1. */
export const NumericOperator = { equal: 1, greater: 2, less: 4 } as const;

/** RFC 8955 §4.2.1.2. */
export const BitmaskOperator = { match: 1, not: 2 } as const;
