import type { Tunnel } from '#dataplane/wireguard/tunnel.ts';
import { nowUs } from '#host/clock/clock.ts';
import { formatAddress, parseAddress } from '#host/udp/address.ts';
import { ADDRESS_WORDS } from '#protocol/address.ts';
import { formatIpAddress } from '#protocol/ip/text.ts';
import { copySecret } from '#protocol/secret.ts';
import type { Peer } from '#protocol/wireguard/peer.ts';
import { interfaceLines, type PeerState, peerLines } from '#protocol/wireguard/uapi/answer.ts';
import { Errno, UapiError } from '#protocol/wireguard/uapi/errors.ts';
import {
  type InterfaceChange,
  type PeerChange,
  type SetRequest,
  wipeRequest,
} from '#protocol/wireguard/uapi/request.ts';
import type { EndpointText } from '#protocol/wireguard/uapi/values.ts';
import { PeerNumbers } from './peer-numbers.ts';
import { zoneIndex } from './zone.ts';

/** What only its configuration knows of a peer. */
interface Settings {
  presharedKey: Uint8Array | undefined;
  persistentKeepaliveS: number;
}

const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);
const isSame = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

const wordsOf = ({ address, port, zone }: EndpointText): Int32Array => {
  const words = new Int32Array(ADDRESS_WORDS);
  parseAddress(`${formatIpAddress(address)}${zone === '' ? '' : `%${zoneIndex(zone)}`}`, port, words);
  return words;
};

/** A WireGuard interface as its socket shows and changes it. Keys are kept, for `wg show` asks for them. */
export class Interface {
  readonly #tunnel: Tunnel;
  readonly #numbers = new PeerNumbers();
  readonly #settings = new Map<Peer, Settings>();
  #privateKey: Uint8Array | undefined;
  #port = 0;
  #mark = 0;
  #isUp = false;

  constructor(tunnel: Tunnel) {
    this.#tunnel = tunnel;
  }

  get peerCount(): number {
    return this.#settings.size;
  }

  get listenPort(): number {
    return this.#port;
  }

  /** The interface was set up: peers may be reached. @throws an Error with the errno's name as `code` */
  up(): void {
    if (this.#isUp) return;
    this.#listen(this.#port, this.#mark);
    this.#isUp = true;
    for (const peer of this.#settings.keys()) this.#tunnel.core.wakePeer(peer);
    this.#tunnel.run();
  }

  /** …and down: sessions end. */
  down(): void {
    if (!this.#isUp) return;
    this.#isUp = false;
    this.#tunnel.stop();
    for (const peer of this.#settings.keys()) this.#tunnel.core.resetPeer(peer);
  }

  /** The answer to `get=1` but for its end, in parts. */
  *get(): Generator<string> {
    yield interfaceLines({ privateKey: this.#privateKey, listenPort: this.#port, fwmark: this.#mark });
    for (const [peer, settings] of this.#settings) yield peerLines(this.#stateOf(peer, settings));
  }

  /** Carries out a `set=1`, and wipes the keys in it. @throws UapiError what was before it in the operation is done */
  set(request: SetRequest): void {
    const { device, peers } = request;
    try {
      this.#setDevice(device);
      for (const change of peers) this.#setPeer(change);
    } finally {
      wipeRequest(request);
    }
    if (this.#isUp) this.#tunnel.run();
  }

  /** Wipes all keys. */
  close(): void {
    this.#privateKey?.fill(0);
    for (const { presharedKey } of this.#settings.values()) presharedKey?.fill(0);
    this.#tunnel.close();
  }

  #stateOf(peer: Peer, { presharedKey, persistentKeepaliveS }: Settings): PeerState {
    const { counters, endpoint, keys, lastHandshakeAt } = peer;
    return {
      publicKey: keys.publicKey,
      presharedKey,
      endpoint: endpoint.isKnown ? formatAddress(endpoint.words) : '',
      lastHandshakeUnixUs: lastHandshakeAt === undefined ? 0 : Date.now() * 1000 - (nowUs() - lastHandshakeAt),
      sentBytes: counters.sentBytes,
      receivedBytes: counters.receivedBytes,
      persistentKeepaliveS,
      allowedIps: this.#tunnel.core.allowedIps(peer),
    };
  }

  #setDevice({ privateKey, listenPort, fwmark, replacePeers }: InterfaceChange): void {
    if (privateKey !== undefined) this.#setPrivateKey(privateKey);
    const [port, mark] = [listenPort ?? this.#port, fwmark ?? this.#mark];
    const isOther = port !== this.#port || mark !== this.#mark || listenPort === 0;
    if (isOther && this.#isUp) this.#relisten(port, mark);
    this.#mark = mark;
    if (!this.#isUp) this.#port = port;
    if (replacePeers === true) for (const peer of [...this.#settings.keys()]) this.#remove(peer);
  }

  #setPrivateKey(key: Uint8Array): void {
    if (this.#privateKey !== undefined && isSame(this.#privateKey, key)) return;
    this.#privateKey?.fill(0);
    this.#privateKey = isZero(key) ? undefined : copySecret(key);
    for (const peer of this.#tunnel.core.setPrivateKey(key)) this.#forget(peer);
  }

  /** A socket has its port alone, unless it is the same: then the one before must go first. */
  #relisten(port: number, mark: number): void {
    const before = { port: this.#port, mark: this.#mark };
    if (port === before.port) this.#tunnel.stop();
    try {
      this.#listen(port, mark);
    } catch (error) {
      if (port === before.port) this.#listen(before.port, before.mark);
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'EADDRINUSE') throw new UapiError(Errno.addressInUse, `Port ${port} is in use.`);
      throw new UapiError(Errno.io, message);
    }
  }

  #listen(port: number, mark: number): void {
    this.#port = this.#tunnel.listen(port, mark);
  }

  #setPeer(change: PeerChange): void {
    const { core } = this.#tunnel;
    const { publicKey, remove, updateOnly } = change;
    // Nobody is his own peer. What is said of one that there is not to be is passed over, as wireguard-go does.
    if (this.#privateKey !== undefined && isSame(publicKey, core.publicKey)) return;
    const known = core.peer(publicKey);
    if (remove === true || (known === undefined && updateOnly === true)) {
      if (remove === true && known !== undefined) this.#remove(known);
      return;
    }
    this.#update(known ?? this.#add(publicKey), change);
  }

  #add(publicKey: Uint8Array): Peer {
    const number = this.#numbers.take();
    try {
      const peer = this.#tunnel.core.addPeer({ number, publicKey });
      this.#settings.set(peer, { presharedKey: undefined, persistentKeepaliveS: 0 });
      return peer;
    } catch (error) {
      this.#numbers.give(number);
      throw new UapiError(Errno.invalid, (error as Error).message);
    }
  }

  #update(peer: Peer, change: PeerChange): void {
    const { core } = this.#tunnel;
    const settings = this.#settings.get(peer) as Settings;
    const { presharedKey, endpoint, persistentKeepaliveS, replaceAllowedIps, allowedIps } = change;
    if (presharedKey !== undefined) {
      core.setPresharedKey(peer, presharedKey);
      settings.presharedKey?.fill(0);
      settings.presharedKey = isZero(presharedKey) ? undefined : copySecret(presharedKey);
    }
    if (replaceAllowedIps === true) for (const prefix of core.allowedIps(peer)) core.removeAllowedIp(peer, prefix);
    for (const { prefix, isRemoved } of allowedIps) {
      if (isRemoved) core.removeAllowedIp(peer, prefix);
      else core.addAllowedIp(peer, prefix);
    }
    if (endpoint !== undefined) core.setEndpoint(peer, wordsOf(endpoint));
    if (persistentKeepaliveS === undefined) return;
    settings.persistentKeepaliveS = persistentKeepaliveS;
    core.setPersistentKeepalive(peer, persistentKeepaliveS);
  }

  #remove(peer: Peer): void {
    this.#tunnel.core.removePeer(peer);
    this.#forget(peer);
  }

  #forget(peer: Peer): void {
    this.#settings.get(peer)?.presharedKey?.fill(0);
    this.#settings.delete(peer);
    this.#numbers.give(peer.number);
  }
}
