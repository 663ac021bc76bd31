/** A qlog object as it is written: `undefined` fields are left out. Integers above 2^53 are rounded, as QUIC reads them. */
export type Fields = { readonly [name: string]: unknown };

/** One event. Names and fields are those of the drafts (SPEC.md); `format/legacy.ts` knows those of qlog 0.3. */
export interface QlogEvent {
  /** Milliseconds since the trace began, with microseconds as fraction. */
  readonly time: number;
  readonly name: string;
  readonly data: Fields;
  /** The path, absent for the first one (main schema §7.2). */
  readonly tuple?: string;
}

/** How the parts of a trace tell of what they see. @param tuple of another path than the first one */
export type Emit = (name: string, data: Fields, tuple?: string) => void;

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

export const hex = (bytes: Uint8Array, start = 0, end: number = bytes.length): string => {
  let text = '';
  for (let i = start; i < end; i++) text += HEX[bytes[i] as number];
  return text;
};

/** Milliseconds with microseconds as fraction. */
export const milliseconds = (us: number): number => Math.round(us) / 1000;
