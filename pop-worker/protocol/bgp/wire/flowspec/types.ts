/** How the parameter of a component is written. */
export type ComponentKind = 'bitmask' | 'numeric' | 'prefix';

/** Lengths that a value may have: bit n for 2^n bytes. */
const ANY = 0b1111;
const ONE = 0b0001;
const ONE_OR_TWO = 0b0011;

export interface ComponentType {
  readonly type: number;
  readonly name: string;
  readonly kind: ComponentKind;
  /** That a value may have: bit n for 2^n bytes. */
  readonly widths: number;
  /** Bytes that we write at least, as a power of two. */
  readonly least: number;
  readonly isIpv6Only?: true;
}

const row = (type: number, name: string, kind: ComponentKind, widths = ANY, least = 0): ComponentType => ({
  type,
  name,
  kind,
  widths,
  least,
});

/** Every component (RFC 8955 §4.2.2, RFC 8956 §3), by its type. */
export const COMPONENT_TYPES: readonly (ComponentType | undefined)[] = [
  undefined,
  row(1, 'destination', 'prefix'),
  row(2, 'source', 'prefix'),
  row(3, 'protocol', 'numeric'),
  row(4, 'port', 'numeric'),
  row(5, 'destination-port', 'numeric'),
  row(6, 'source-port', 'numeric'),
  row(7, 'icmp-type', 'numeric'),
  row(8, 'icmp-code', 'numeric'),
  row(9, 'tcp-flags', 'bitmask', ONE_OR_TWO),
  row(10, 'packet-length', 'numeric'),
  row(11, 'dscp', 'numeric', ONE),
  row(12, 'fragment', 'bitmask', ONE),
  { ...row(13, 'flow-label', 'numeric', ANY, 2), isIpv6Only: true },
];

/** @returns undefined for one that a family of addresses of so many bits does not have */
export const componentType = (type: number, bits: number): ComponentType | undefined => {
  const found = COMPONENT_TYPES[type];
  return found?.isIpv6Only === true && bits === 32 ? undefined : found;
};
