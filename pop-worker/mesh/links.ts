import { isDeepStrictEqual } from 'node:util';
import { addressOf } from '#host/udp/address.ts';
import { MeshError, MeshErrorCode } from '#protocol/mesh/errors.ts';
import type { QuicConnection } from '#protocol/quic/api.ts';
import { memberOf, namesIn } from './identity.ts';
import { Link, type LinkEvents } from './link.ts';
import type { MeshPeer } from './setup.ts';

export const MESH_ALPN = 'cloudbridge-mesh';

/** Between two tries to reach a worker: the first, and the longest. */
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 1000;

interface Dialled {
  link: Link | undefined;
  retryMs: number;
  timer: NodeJS.Timeout | undefined;
}

export interface LinksParts {
  readonly own: number;
  /** Begins a connection. */
  readonly connect: (remote: Int32Array, serverName: string, sink: Link) => QuicConnection;
  readonly linked: (member: number, link: Link) => void;
  readonly unlinked: (member: number, reason: string) => void;
  readonly refused: (reason: string) => void;
  readonly stream: (member: number, bytes: Uint8Array) => void;
  readonly datagram: (member: number, buffer: Uint8Array, start: number, end: number) => void;
  readonly fault: (error: unknown) => void;
}

/**
 * One link to each other worker. Of two, the one with the lower number calls; it calls again when the link is lost. Whoever
 * answers takes a new link in place of the one it has: the caller has lost that.
 */
export class Links {
  readonly #parts: LinksParts;
  readonly #peers = new Map<number, MeshPeer>();
  readonly #open = new Map<number, Link>();
  readonly #dialled = new Map<number, Dialled>();
  /** Why there is no link to a member. */
  readonly #problems = new Map<number, string>();
  #isClosed = false;
  readonly #events: LinkEvents;

  constructor(parts: LinksParts) {
    this.#parts = parts;
    this.#events = {
      identify: (link, certificate) => this.#identify(link, certificate),
      stream: ({ member }, bytes) => parts.stream(member, bytes),
      datagram: ({ member }, buffer, start, end) => parts.datagram(member, buffer, start, end),
      closed: (link, reason) => this.#closed(link, reason),
      fault: parts.fault,
    };
  }

  /** Other workers, in place of those before: links to those who are none any more end. */
  setPeers(peers: readonly MeshPeer[]): void {
    const wanted = new Map(peers.map((peer) => [peer.member, peer]));
    wanted.delete(this.#parts.own);
    for (const member of this.#peers.keys()) if (!wanted.has(member)) this.#forget(member);
    for (const [member, peer] of wanted) {
      const before = this.#peers.get(member);
      // Another address, name or key: the link that there is may be to somebody else.
      if (before !== undefined && !isDeepStrictEqual(before, peer)) this.#forget(member);
      this.#peers.set(member, peer);
      if (member > this.#parts.own && !this.#dialled.has(member)) {
        this.#dialled.set(member, { link: undefined, retryMs: FIRST_RETRY_MS, timer: undefined });
        this.#dial(member);
      }
    }
  }

  #forget(member: number): void {
    this.#peers.delete(member);
    const dialled = this.#dialled.get(member);
    clearTimeout(dialled?.timer);
    this.#dialled.delete(member);
    this.#problems.delete(member);
    for (const link of new Set([dialled?.link, this.#open.get(member)]))
      link?.close(MeshErrorCode.none, 'the worker is no member any more, or elsewhere');
  }

  get(member: number): Link | undefined {
    return this.#open.get(member);
  }

  get size(): number {
    return this.#open.size;
  }

  peer(member: number): MeshPeer | undefined {
    return this.#peers.get(member);
  }

  problem(member: number): string | undefined {
    return this.#open.has(member) ? undefined : (this.#problems.get(member) ?? 'it has not called yet');
  }

  /** Takes whoever calls; TLS has checked that the mesh's authority knows it. */
  accept(): Link | undefined {
    return this.#isClosed ? undefined : new Link(this.#events, 0);
  }

  #dial(member: number): void {
    const peer = this.#peers.get(member);
    const dialled = this.#dialled.get(member);
    if (peer === undefined || dialled === undefined || this.#isClosed) return;
    const link = new Link(this.#events, member);
    dialled.link = link;
    link.quic = this.#parts.connect(addressOf(peer.address, peer.port), peer.name, link);
  }

  #identify(link: Link, certificate: Uint8Array | undefined): number {
    const peer = certificate && memberOf(certificate, this.#peers.values());
    if (peer === undefined || (link.member !== 0 && link.member !== peer.member)) {
      const names = certificate === undefined ? 'nobody' : namesIn(certificate);
      this.#parts.refused(`a certificate of ${names} is that of no member, or not of the key that is pinned for it`);
      throw new MeshError(
        MeshErrorCode.member,
        'remote',
        'your certificate is that of no member that is expected here',
      );
    }
    const { member } = peer;
    const before = this.#open.get(member);
    if (before !== undefined) {
      this.#open.delete(member);
      this.#parts.unlinked(member, 'another link took its place');
      before.close(MeshErrorCode.replaced, 'another link took its place');
    }
    this.#open.set(member, link);
    this.#problems.delete(member);
    const dialled = this.#dialled.get(member);
    if (dialled !== undefined) dialled.retryMs = FIRST_RETRY_MS;
    link.member = member;
    this.#parts.linked(member, link);
    return member;
  }

  #closed(link: Link, reason: string): void {
    const { member } = link;
    if (member === 0) return;
    if (this.#peers.has(member)) this.#problems.set(member, reason);
    if (this.#open.get(member) === link) {
      this.#open.delete(member);
      this.#parts.unlinked(member, reason);
    }
    const dialled = this.#dialled.get(member);
    if (dialled?.link !== link || this.#isClosed) return;
    dialled.link = undefined;
    dialled.timer = setTimeout(() => this.#dial(member), dialled.retryMs * (0.75 + Math.random() / 2));
    dialled.timer.unref();
    dialled.retryMs = Math.min(LAST_RETRY_MS, 2 * dialled.retryMs);
  }

  close(): void {
    this.#isClosed = true;
    for (const { timer, link } of this.#dialled.values()) {
      clearTimeout(timer);
      link?.close(MeshErrorCode.none, 'the worker stops');
    }
    for (const link of this.#open.values()) link.close(MeshErrorCode.none, 'the worker stops');
  }
}
