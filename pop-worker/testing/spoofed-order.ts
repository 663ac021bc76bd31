/** Addresses that datagrams of `spoofed.ts` claim to come from (RFC 2544). */
export const SPOOFED = '198.18.0.0/16';
export const FIRST_SPOOFED = '198.18.0.0';

export interface SpoofedOrder {
  readonly address: string;
  readonly port: number;
  /** Base64, sent one after the other again and again. */
  readonly messages: readonly string[];
  readonly count: number;
  /** Addresses, in turn. */
  readonly sources: number;
}

export interface SpoofedTold {
  readonly sent: number;
  /** Bytes of what came in answer, by the first byte of it. */
  readonly answers: Readonly<Record<number, number>>;
}
