/** Static keys of WireGuard, 32 bytes each, which all workers of an installation share. */
export interface WireGuardKeys {
  readonly privateKey: Uint8Array;
  /** The one before, by which devices may still come. */
  readonly previousPrivateKey?: Uint8Array;
}
