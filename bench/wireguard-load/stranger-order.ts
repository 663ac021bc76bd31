/** What strangers send; `strangers.ts` says how each is made. */
export const STRANGER_KINDS = ['initiations', 'guessed', 'cookies', 'nowhere', 'named', 'responses'] as const;
export type StrangerKind = (typeof STRANGER_KINDS)[number];

/** What `strangers.ts` is to do. */
export interface StrangerOrder {
  readonly kind: StrangerKind;
  readonly address: string;
  readonly port: number;
  /** Public key of the interface, base64. */
  readonly server: string;
  /** Number of a peer that there is, which `named` names. */
  readonly peer: number;
  /** Addresses that messages come from in turn: the first ones of `SPOOFED` (`quic-flood/order.ts`). */
  readonly sources: number;
  /** Messages a second. */
  readonly rate: number;
  readonly seconds: number;
}

export interface StrangersTold {
  readonly sent: number;
  readonly cookies: number;
  /** Those that showed a cookie. */
  readonly signed: number;
  readonly seconds: number;
}
