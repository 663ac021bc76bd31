import { NEVER, type TimeUs } from '../contract.ts';
import type { Paths } from './paths.ts';
import type { Peer } from './peer.ts';
import type { Peers } from './peers.ts';
import type { Gossip } from './presence/gossip.ts';
import type { Probing } from './probing.ts';
import type { SharedPrefixes } from './shared-prefixes.ts';
import type { MeshOut, MeshSink } from './sink.ts';
import type { Uniform } from './uniform.ts';
import { FrameType, frameOf } from './wire/frame.ts';
import { type HandoffPlace, NEWEST_VERSION, OLDEST_VERSION, writeHello } from './wire/hello.ts';
import { writeVector } from './wire/vector.ts';

/** Between two VECTORs to a member. */
const VECTOR_US = 1_000_000;
/** Between two comparisons with a member, and between two of which the first found something. */
const COMPARE_US = 2_000_000;
const COMPARE_AGAIN_US = 50_000;

export interface OutboundParts {
  /** What HELLO says of us. */
  readonly hello: { readonly member: number; readonly incarnation: number; readonly handoff: HandoffPlace | undefined };
  readonly peers: Peers;
  readonly paths: Paths;
  readonly gossip: Gossip;
  readonly prefixes: SharedPrefixes;
  readonly probing: Probing;
  readonly uniform: Uniform;
  readonly sink: Pick<MeshSink, 'pathChanged'>;
}

/** What goes to each member, when, and through whom. */
export class Outbound {
  readonly #parts: OutboundParts;

  constructor(parts: OutboundParts) {
    this.#parts = parts;
  }

  /** Hands out all that is due to members. @returns whether anything was */
  poll(now: TimeUs, out: MeshOut): boolean {
    const { peers, gossip } = this.#parts;
    const hasNews = gossip.hasNews;
    gossip.hasNews = false;
    let any = false;
    let earliest = NEVER;
    for (const peer of peers) {
      if (!peer.isLinked) {
        if (hasNews && gossip.hasPressing(peer.member)) any = this.#throughThird(peer, now, out) || any;
        continue;
      }
      if (now >= peer.nextAt || (hasNews && gossip.isBusy(peer.member))) any = this.#toLinked(peer, now, out) || any;
      if (peer.nextAt < earliest) earliest = peer.nextAt;
    }
    peers.earliest = earliest;
    return any;
  }

  #toLinked(peer: Peer, now: TimeUs, out: MeshOut): boolean {
    const { hello, prefixes, probing } = this.#parts;
    let any = false;
    if (!peer.saidHello) {
      peer.saidHello = true;
      const versions = { oldest: OLDEST_VERSION, newest: NEWEST_VERSION };
      out.stream(peer.member, frameOf(FrameType.hello, writeHello({ ...versions, ...hello })));
      any = true;
    }
    if (now >= peer.probeAt) {
      probing.send(peer, now, out);
      any = true;
    }
    peer.nextAt = peer.probeAt;
    if (!peer.isReady) return any;
    if (now >= peer.vectorAt) {
      peer.vectorAt = now + VECTOR_US;
      out.stream(peer.member, frameOf(FrameType.vector, writeVector(this.#costs(now))));
      this.#choose(peer.member, now);
      any = true;
    }
    any = prefixes.tell(peer, out) || any;
    if (now >= peer.digestAt) this.#compare(peer, now);
    peer.nextAt = Math.min(peer.probeAt, peer.vectorAt, peer.digestAt);
    return this.#tell(peer, now, out) || any;
  }

  #tell(peer: Peer, now: TimeUs, out: MeshOut): boolean {
    const { paths, gossip } = this.#parts;
    const { member } = peer;
    // What a bad link would bring late, or not at all, goes through a third member.
    if (gossip.hasPressing(member) && paths.via(member, now) > 0) return this.#throughThird(peer, now, out);
    let any = false;
    while (out.room(member)) {
      const frame = gossip.next(member);
      if (frame === undefined) return any;
      out.stream(member, frame);
      any = true;
    }
    // The rest when there is room.
    gossip.hasNews = true;
    return any;
  }

  #throughThird(peer: Peer, now: TimeUs, out: MeshOut): boolean {
    const { paths, gossip } = this.#parts;
    this.#choose(peer.member, now);
    const via = paths.via(peer.member, now);
    let any = false;
    while (via > 0 && out.room(via)) {
      const frame = gossip.nextRelayed(peer.member);
      if (frame === undefined) return any;
      out.stream(via, frame);
      any = true;
    }
    gossip.hasNews = true;
    return any;
  }

  #choose(member: number, now: TimeUs): void {
    const { paths, sink } = this.#parts;
    if (paths.choose(member, now)) sink.pathChanged(member, paths.via(member, now), now);
  }

  #compare(peer: Peer, now: TimeUs): void {
    const { gossip, uniform } = this.#parts;
    const isAgain = gossip.compare(peer.member);
    peer.digestAt = now + (isAgain ? COMPARE_AGAIN_US : COMPARE_US / 2 + uniform.below(COMPARE_US));
  }

  #costs(now: TimeUs): Map<number, number> {
    const { peers, paths } = this.#parts;
    const costs = new Map<number, number>();
    for (const member of peers.numbers) costs.set(member, paths.directCost(member, now));
    return costs;
  }
}
