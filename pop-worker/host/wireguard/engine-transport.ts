import type { TransportPort } from '#protocol/wireguard/ports.ts';
import { native } from '../native.ts';
import type { WireGuardKeysHandle } from './native.ts';

/** Session keys and the ciphers of transport messages by the packet engine: a call a batch. */
export class EngineTransport implements TransportPort {
  readonly handle: WireGuardKeysHandle;

  /** @param direct call OpenSSL's ChaCha20 and Poly1305 past EVP where this Node lets us, which takes a quarter less */
  constructor(direct = true) {
    this.handle = native.wireguardKeysNew(direct);
  }

  /** Keys that are held. */
  get size(): number {
    return native.wireguardKeysSize(this.handle);
  }

  /** Whether EVP is passed by. */
  get isDirect(): boolean {
    return native.wireguardKeysDirect(this.handle);
  }

  /** @param key 32 bytes, of which it keeps a copy @returns its number */
  add(key: Uint8Array): number {
    return native.wireguardKeysAdd(this.handle, key);
  }

  forget(key: number): void {
    native.wireguardKeysForget(this.handle, key);
  }

  seal(from: Uint8Array, into: Uint8Array, jobs: Uint32Array, count: number, mtu: number): void {
    native.wireguardSeal(this.handle, from, into, jobs, count, mtu);
  }

  open(buffer: Uint8Array, jobs: Uint32Array, count: number): void {
    native.wireguardOpen(this.handle, buffer, jobs, count);
  }
}
