declare const kind: unique symbol;
export type WireGuardKeysHandle = { readonly [kind]: 'wireguard-keys' };
export type WireGuardIdentityHandle = { readonly [kind]: 'wireguard-identity' };
export type WireGuardHandshakeHandle = { readonly [kind]: 'wireguard-handshake' };

/** What is kept of a peer: its public key, what ours and it agree on, the preshared key; `native/wireguard-noise.h`. */
export const PEER_BYTES = 96;
export const PEER = { publicKey: 0, shared: 32, presharedKey: 64 } as const;
/** And of an initiation that was read: chaining key, hash, ephemeral key, and who says to have sent it. */
export const STATE_BYTES = 128;
export const STATE = { staticKey: 96 } as const;

/** WireGuard's cryptography (`native/wireguard-*.c`); wrong sizes throw RangeError. `host/wireguard/engine-*.ts` use it. */
export interface WireGuardNative {
  /** @param direct past EVP, where this Node's OpenSSL lets us */
  wireguardKeysNew(direct: boolean): WireGuardKeysHandle;
  /** @returns its number */
  wireguardKeysAdd(keys: WireGuardKeysHandle, key: Uint8Array): number;
  /** Wipes it; nothing happens where there is none of that number. */
  wireguardKeysForget(keys: WireGuardKeysHandle, number: number): void;
  wireguardKeysSize(keys: WireGuardKeysHandle): number;
  wireguardKeysDirect(keys: WireGuardKeysHandle): boolean;

  /** @param publicKey is given 32 bytes */
  wireguardIdentityNew(privateKey: Uint8Array, publicKey: Uint8Array): WireGuardIdentityHandle;
  /** Wipes it; may be called twice. */
  wireguardIdentityClose(identity: WireGuardIdentityHandle): void;
  /** Writes what both keys agree on. @returns false: the public key is of low order */
  wireguardPeerJoin(identity: WireGuardIdentityHandle, peer: Uint8Array): boolean;
  wireguardInitiate(
    identity: WireGuardIdentityHandle,
    peer: Uint8Array,
    timestamp: Uint8Array,
    into: Uint8Array,
    at: number,
  ): WireGuardHandshakeHandle;
  /** Wipes it; may be called twice. */
  wireguardHandshakeClose(handshake: WireGuardHandshakeHandle): void;
  wireguardReadInitiation(
    identity: WireGuardIdentityHandle,
    buffer: Uint8Array,
    at: number,
    state: Uint8Array,
  ): boolean;
  wireguardReadTimestamp(
    peer: Uint8Array,
    buffer: Uint8Array,
    at: number,
    state: Uint8Array,
    into: Uint8Array,
  ): boolean;
  /** @param numbers is given what it sends with and what it receives with */
  wireguardRespond(
    peer: Uint8Array,
    state: Uint8Array,
    into: Uint8Array,
    at: number,
    keys: WireGuardKeysHandle,
    numbers: Int32Array,
  ): boolean;
  wireguardReadResponse(
    handshake: WireGuardHandshakeHandle,
    identity: WireGuardIdentityHandle,
    peer: Uint8Array,
    buffer: Uint8Array,
    at: number,
    keys: WireGuardKeysHandle,
    numbers: Int32Array,
  ): boolean;

  wireguardMac(key: Uint8Array, bytes: Uint8Array, at: number, length: number, into: Uint8Array, intoAt: number): void;
  wireguardHash(first: Uint8Array, second: Uint8Array, into: Uint8Array): void;
  wireguardSealCookie(
    key: Uint8Array,
    nonce: Uint8Array,
    cookie: Uint8Array,
    associated: Uint8Array,
    into: Uint8Array,
  ): void;
  wireguardOpenCookie(
    key: Uint8Array,
    nonce: Uint8Array,
    sealed: Uint8Array,
    associated: Uint8Array,
    into: Uint8Array,
  ): boolean;

  /** @param jobs `SEAL_WORDS` of `protocol/wireguard/ports.ts` each */
  wireguardSeal(
    keys: WireGuardKeysHandle,
    from: Uint8Array,
    into: Uint8Array,
    jobs: Uint32Array,
    count: number,
    mtu: number,
  ): void;
  /** @param jobs `JOB_WORDS` each */
  wireguardOpen(keys: WireGuardKeysHandle, buffer: Uint8Array, jobs: Uint32Array, count: number): void;
}
