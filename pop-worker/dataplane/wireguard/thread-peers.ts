import type { WireGuardPeer } from '#model/wireguard-peer.ts';

/** What a data-plane thread is told when some of the worker's peers are others; plain, so that it can be posted. */
export interface ThreadPeers {
  /** Peers of the thread that are new, or of whom something is another. */
  readonly changed: readonly WireGuardPeer[];
  /** Numbers of peers of the thread that are none any more. */
  readonly removed: readonly number[];
  /** Peers of other threads that are new, or have another key: as `writePlaces` writes them. */
  readonly elsewhere: Uint8Array;
  /** Keys that no peer of another thread has any more, 32 bytes each. */
  readonly nowhere: Uint8Array;
}

/** Whose key it is. */
export interface PeerKey {
  readonly publicKey: Uint8Array;
  readonly number: number;
}

const KEY_BYTES = 32;
const NUMBER_BYTES = 4;
const PLACE_BYTES = KEY_BYTES + NUMBER_BYTES;

/** Peers as 36 bytes each: the key, then the number. All others that there are go to a thread so, and cost it little. */
export const writePlaces = (peers: readonly PeerKey[]): Uint8Array => {
  const bytes = new Uint8Array(PLACE_BYTES * peers.length);
  const view = new DataView(bytes.buffer);
  for (const [i, { publicKey, number }] of peers.entries()) {
    bytes.set(publicKey, i * PLACE_BYTES);
    view.setUint32(i * PLACE_BYTES + KEY_BYTES, number);
  }
  return bytes;
};

/** @yields keys that lie in what is read */
export function* readPlaces(bytes: Uint8Array): Generator<PeerKey> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length; at += PLACE_BYTES)
    yield { publicKey: bytes.subarray(at, at + KEY_BYTES), number: view.getUint32(at + KEY_BYTES) };
}

export const writeKeys = (keys: readonly Uint8Array[]): Uint8Array => {
  const bytes = new Uint8Array(KEY_BYTES * keys.length);
  for (const [i, key] of keys.entries()) bytes.set(key, i * KEY_BYTES);
  return bytes;
};

/** @yields keys that lie in what is read */
export function* readKeys(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += KEY_BYTES) yield bytes.subarray(at, at + KEY_BYTES);
}
