/** What `main.ts` is to do. */
export interface LoadOrder {
  readonly address: string;
  readonly port: number;
  /** Public key of the interface, base64. */
  readonly server: string;
  /** Of peers that it knows, base64; none: initiations of nobody. */
  readonly privateKeys: readonly string[];
  /** Initiations that are made. */
  readonly count: number;
  /** Initiations a second; 0: each as soon as one before it was answered. */
  readonly rate: number;
  readonly seconds: number;
}

export interface Told {
  readonly sent: number;
  readonly responses: number;
  readonly cookies: number;
  readonly seconds: number;
}
