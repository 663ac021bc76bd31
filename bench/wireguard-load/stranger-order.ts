/** What `strangers.ts` is to do. */
export interface StrangerOrder {
  /**
   * Initiations of nobody with a valid mac1; the same with a mac2 that is none; of whoever takes cookies and shows them; data for no
   * peer; data that names `peer`; responses to nothing.
   */
  readonly kind: 'initiations' | 'guessed' | 'cookies' | 'nowhere' | 'named' | 'responses';
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
