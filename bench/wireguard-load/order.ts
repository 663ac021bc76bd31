/** What `main.ts` is to do. */
export interface LoadOrder {
  readonly address: string;
  readonly port: number;
  /** Public key of the interface, base64. */
  readonly server: string;
  /** Of peers that it knows, base64. */
  readonly privateKeys: readonly string[];
  /** Initiations that are made. */
  readonly count: number;
  readonly seconds: number;
}

export interface Told {
  readonly sent: number;
  readonly responses: number;
  readonly cookies: number;
  readonly seconds: number;
}
