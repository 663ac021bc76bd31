import type { TimeUs } from '../contract.ts';
import type { MeshCounters } from './counters.ts';
import { frameError } from './errors.ts';
import { Passing } from './passing.ts';
import type { Peer } from './peer.ts';
import type { Peers } from './peers.ts';
import type { Gossip } from './presence/gossip.ts';
import type { MeshOut } from './sink.ts';
import { FrameType, frameOf } from './wire/frame.ts';
import { Reader } from './wire/reader.ts';
import { readRelay, writeRelay } from './wire/relay.ts';

export interface RelaysParts {
  readonly own: number;
  readonly peers: Peers;
  readonly gossip: Gossip;
  readonly counters: MeshCounters;
}

/** Frames that come by RELAY: those for us, and those that go through us from one member to another. */
export class Relays {
  readonly #parts: RelaysParts;
  readonly #passing = new Passing();

  constructor(parts: RelaysParts) {
    this.#parts = parts;
  }

  /** @throws MeshError */
  receive(peer: Peer, reader: Reader, now: TimeUs): void {
    const { own, peers, gossip, counters } = this.#parts;
    const { from, to, type, payload } = readRelay(reader);
    if (to === own) {
      // A third member can say what it likes in another's name: no more than what it may say in its own.
      if (peers.has(from)) gossip.receive(type, new Reader(payload, 0, payload.length), from, now);
      return;
    }
    if (from !== peer.member) throw frameError('a RELAY came that is not of who sent it: it would be relayed twice');
    const frame = frameOf(FrameType.relay, writeRelay({ from, to, type, payload }));
    if (peers.get(to)?.isReady !== true || !this.#passing.add(peer, to, frame)) counters.relayFailed++;
  }

  /** Hands out what goes through us. @returns whether anything did */
  poll(out: MeshOut): boolean {
    const { peers, counters } = this.#parts;
    const { passed, dropped } = this.#passing.pass({
      room: (member) => (peers.get(member)?.isReady === true ? out.room(member) : undefined),
      stream: (member, frame) => out.stream(member, frame),
    });
    counters.relayed += passed;
    counters.relayFailed += dropped;
    return passed > 0;
  }
}
