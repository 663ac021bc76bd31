import type { TimeUs } from '../contract.ts';
import type { MeshCounters } from './counters.ts';
import { frameError } from './errors.ts';
import type { Leases } from './leases.ts';
import { windowUs } from './options.ts';
import type { OwnLease } from './own-lease.ts';
import type { Peer } from './peer.ts';
import type { Peers } from './peers.ts';
import type { SharedPrefixes } from './shared-prefixes.ts';
import type { MeshOut } from './sink.ts';
import type { Verdicts } from './verdicts.ts';
import { DatagramKind } from './wire/frame.ts';
import { MOST_UNHEARD, readProbe, writeProbe } from './wire/probe.ts';
import { Reader } from './wire/reader.ts';

export interface ProbingParts {
  readonly peers: Peers;
  readonly leases: Leases;
  readonly ownLease: OwnLease;
  readonly verdicts: Verdicts;
  readonly prefixes: SharedPrefixes;
  readonly counters: MeshCounters;
}

/** Probes to members and from them: what each says for leases and paths. */
export class Probing {
  readonly #parts: ProbingParts;
  #unheardTurn = 0;

  constructor(parts: ProbingParts) {
    this.#parts = parts;
  }

  /** A DATAGRAM from a member that is no packet of a tenant. @throws MeshError */
  receive(peer: Peer, buffer: Uint8Array, start: number, end: number, now: TimeUs): void {
    const { peers, leases, verdicts, counters } = this.#parts;
    if (buffer[start] !== DatagramKind.probe)
      throw frameError(`DATAGRAM frames of kind ${buffer[start]} are not known`);
    if (!peer.probes.take(1, now)) {
      counters.probesRefused++;
      return;
    }
    const probe = readProbe(new Reader(buffer, start + 1, end));
    if (!peer.take(probe, now)) return;
    verdicts.suspect(probe, peer.member, now);
    leases.heard(peer.member, probe, windowUs(peer.latency.smoothedUs, peers.intervalUs), now);
  }

  /** Sends a member its next probe, and plans the one behind it. */
  send(peer: Peer, now: TimeUs, out: MeshOut): void {
    const { peers, leases, ownLease, prefixes } = this.#parts;
    const { member, latency, lastProbe } = peer;
    peer.probeAt = Math.max(peer.probeAt + peers.intervalUs, now + peers.intervalUs / 2);
    const silence = windowUs(latency.smoothedUs, peers.intervalUs);
    const unheard = this.#unheard(now);
    if (unheard.length > 0) this.#accuse(unheard, now);
    const grants = lastProbe !== undefined && leases.promise(member, lastProbe.at, silence, now);
    const payload = writeProbe({
      sequence: peer.sequence,
      sentUs: Math.floor(now),
      echo: lastProbe && { sentUs: lastProbe.sentUs, delayUs: Math.floor(now - lastProbe.at) },
      windowUs: silence,
      grants,
      yields: ownLease.yields,
      announces: prefixes.announces,
      unheard,
    });
    peer.sequence = (peer.sequence + 1) >>> 0;
    const bytes = new Uint8Array(1 + payload.length);
    bytes[0] = DatagramKind.probe;
    bytes.set(payload, 1);
    out.datagram(member, bytes);
  }

  /** What we say now may count for the longest window that any member was told. */
  #accuse(unheard: readonly number[], now: TimeUs): void {
    const { peers, leases } = this.#parts;
    let longest = 0;
    for (const { latency } of peers) longest = Math.max(longest, windowUs(latency.smoothedUs, peers.intervalUs));
    for (const member of unheard) leases.accused(member, longest, now);
  }

  /** Whom we do not hear, in ascending order; of more than one probe can name, others each time. */
  #unheard(now: TimeUs): number[] {
    const all = [...this.#parts.leases.unheard(now)].sort((a, b) => a - b);
    if (all.length <= MOST_UNHEARD) return all;
    this.#unheardTurn = (this.#unheardTurn + MOST_UNHEARD) % all.length;
    const rotated = [...all.slice(this.#unheardTurn), ...all.slice(0, this.#unheardTurn)];
    return rotated.slice(0, MOST_UNHEARD).sort((a, b) => a - b);
  }
}
