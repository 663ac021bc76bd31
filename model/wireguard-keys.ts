/** Static keys of WireGuard, 32 bytes each, which all workers of an installation share. */
export interface WireGuardKeys {
  readonly privateKey: Uint8Array;
  /** The one before, by which devices may still come. */
  readonly previousPrivateKey?: Uint8Array;
}

/** Whoever needs them has copies. */
export const wipeKeys = ({ privateKey, previousPrivateKey }: WireGuardKeys): void => {
  privateKey.fill(0);
  previousPrivateKey?.fill(0);
};
