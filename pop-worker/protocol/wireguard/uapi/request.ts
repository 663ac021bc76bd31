import { Errno, UapiError } from './errors.ts';
import { readKey } from './hex.ts';
import {
  type AllowedIpChange,
  type EndpointText,
  readAllowedIp,
  readEndpoint,
  readNumber,
  readTrue,
} from './values.ts';

/** What is to become of the interface; what is absent stays. */
export interface InterfaceChange {
  /** All zero: none. */
  privateKey?: Uint8Array;
  listenPort?: number;
  /** 0: none. */
  fwmark?: number;
  replacePeers?: true;
}

/** What is to become of one peer, which is made if there is none; what is absent stays. */
export interface PeerChange {
  readonly publicKey: Uint8Array;
  remove?: true;
  /** Only if it is there. */
  updateOnly?: true;
  presharedKey?: Uint8Array;
  endpoint?: EndpointText;
  /** 0: none. */
  persistentKeepaliveS?: number;
  replaceAllowedIps?: true;
  readonly allowedIps: AllowedIpChange[];
}

export interface SetRequest {
  readonly kind: 'set';
  readonly device: InterfaceChange;
  readonly peers: readonly PeerChange[];
}

/** Wipes the keys of an operation that was carried out, or will not be. */
export const wipeRequest = ({ device, peers }: Pick<SetRequest, 'device' | 'peers'>): void => {
  device.privateKey?.fill(0);
  for (const { presharedKey } of peers) presharedKey?.fill(0);
};

export type UapiRequest = { readonly kind: 'get' } | SetRequest;

const MOST_MARK = 0xffff_ffff;
const MOST_U16 = 0xffff;
const EQUALS = 61;

/** A value of a line: its bytes, and as text unless it is a key. */
interface Value {
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly end: number;
}

const textOf = ({ bytes, at, end }: Value): string => String.fromCharCode(...bytes.subarray(at, end));

const keyOf = ({ bytes, at, end }: Value, what: string): Uint8Array => {
  const key = readKey(bytes, at, end);
  if (key === undefined) throw new UapiError(Errno.invalid, `The ${what} key is none.`);
  return key;
};

const DEVICE: Readonly<Record<string, (device: InterfaceChange, value: Value) => void>> = {
  private_key: (device, value) => {
    // One that was said before it counts for nothing.
    device.privateKey?.fill(0);
    device.privateKey = keyOf(value, 'private');
  },
  listen_port: (device, value) => {
    device.listenPort = readNumber(textOf(value), MOST_U16, 'The port');
  },
  fwmark: (device, value) => {
    device.fwmark = value.at === value.end ? 0 : readNumber(textOf(value), MOST_MARK, 'The mark');
  },
  replace_peers: (device, value) => {
    device.replacePeers = readTrue(textOf(value), 'replace_peers');
  },
};

const PEER: Readonly<Record<string, (peer: PeerChange, value: Value) => void>> = {
  remove: (peer, value) => {
    peer.remove = readTrue(textOf(value), 'remove');
  },
  update_only: (peer, value) => {
    peer.updateOnly = readTrue(textOf(value), 'update_only');
  },
  preshared_key: (peer, value) => {
    peer.presharedKey?.fill(0);
    peer.presharedKey = keyOf(value, 'preshared');
  },
  endpoint: (peer, value) => {
    peer.endpoint = readEndpoint(textOf(value));
  },
  persistent_keepalive_interval: (peer, value) => {
    peer.persistentKeepaliveS = readNumber(textOf(value), MOST_U16, 'The keepalive interval');
  },
  replace_allowed_ips: (peer, value) => {
    peer.replaceAllowedIps = readTrue(textOf(value), 'replace_allowed_ips');
    // As wireguard-go: those in front of it are among the replaced.
    peer.allowedIps.length = 0;
  },
  allowed_ip: (peer, value) => {
    peer.allowedIps.push(readAllowedIp(textOf(value)));
  },
  protocol_version: (_peer, value) => {
    if (textOf(value) !== '1') throw new UapiError(Errno.invalid, 'The protocol version is not 1.');
  },
};

/** Longer lines are none of ours: the longest has a key. */
export const MOST_LINE_BYTES = 256;
/** Of one operation: some 100,000 peers with a few prefixes each. */
const MOST_REQUEST_BYTES = 64 * 2 ** 20;

/**
 * Operations of WireGuard's configuration protocol (https://www.wireguard.com/xplatform/), line by line: `get=1` or `set=1`,
 * what follows, and an empty line. Nothing of an operation is returned before all of it was read and was right.
 */
export class UapiReader {
  #device: InterfaceChange | undefined;
  #peers: PeerChange[] = [];
  #isGet = false;
  #bytes = 0;
  readonly #mostBytes: number;

  /** @param mostBytes of one operation */
  constructor(mostBytes: number = MOST_REQUEST_BYTES) {
    this.#mostBytes = mostBytes;
  }

  /** Whether an operation has begun and not ended. */
  get isInside(): boolean {
    return this.#isGet || this.#device !== undefined;
  }

  /**
   * One line without its end.
   *
   * @returns the operation that it ends
   * @throws UapiError what it begins or goes on with is no operation; nothing that follows can be told apart from it
   */
  push(bytes: Uint8Array, at: number, end: number): UapiRequest | undefined {
    this.#bytes += end - at + 1;
    if (end - at > MOST_LINE_BYTES || this.#bytes > this.#mostBytes)
      throw new UapiError(Errno.invalid, 'A line or an operation is too long.');
    if (at === end) return this.#finish();
    const equals = bytes.indexOf(EQUALS, at);
    if (equals < 0 || equals >= end) throw new UapiError(Errno.protocol, 'A line has no `=`.');
    const name = textOf({ bytes, at, end: equals });
    const value = { bytes, at: equals + 1, end };
    if (this.isInside) this.#continue(name, value);
    else this.#begin(name, value);
    return undefined;
  }

  /** Forgets and wipes what was read of an operation that came to nothing. */
  clear(): void {
    wipeRequest({ device: this.#device ?? {}, peers: this.#peers });
    this.#device = undefined;
    this.#peers = [];
    this.#isGet = false;
    this.#bytes = 0;
  }

  #begin(name: string, value: Value): void {
    if (textOf(value) !== '1' || (name !== 'get' && name !== 'set'))
      throw new UapiError(Errno.invalid, 'Operations are get=1 and set=1.');
    if (name === 'get') this.#isGet = true;
    else this.#device = {};
  }

  #continue(name: string, value: Value): void {
    if (this.#isGet) throw new UapiError(Errno.invalid, 'Nothing follows get=1 but an empty line.');
    if (name === 'public_key') {
      this.#peers.push({ publicKey: keyOf(value, 'public'), allowedIps: [] });
      return;
    }
    const peer = this.#peers.at(-1);
    const known = peer === undefined ? DEVICE : PEER;
    if (!Object.hasOwn(known, name))
      throw new UapiError(
        Errno.invalid,
        peer === undefined ? 'An interface has no such key.' : 'A peer has no such key.',
      );
    if (peer === undefined) DEVICE[name]?.(this.#device as InterfaceChange, value);
    else PEER[name]?.(peer, value);
  }

  #finish(): UapiRequest {
    const device = this.#device;
    if (!this.isInside) throw new UapiError(Errno.protocol, 'An operation has no lines.');
    const request: UapiRequest = device === undefined ? { kind: 'get' } : { kind: 'set', device, peers: this.#peers };
    this.#device = undefined;
    this.#peers = [];
    this.#isGet = false;
    this.#bytes = 0;
    return request;
  }
}
