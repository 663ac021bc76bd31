import type { TimeUs } from '../contract.ts';
import { frameError, MeshError, MeshErrorCode } from './errors.ts';
import type { Leases } from './leases.ts';
import type { Paths } from './paths.ts';
import type { Peer } from './peer.ts';
import type { Peers } from './peers.ts';
import type { Gossip } from './presence/gossip.ts';
import { readKey } from './presence/record.ts';
import type { Relays } from './relays.ts';
import type { SharedPrefixes } from './shared-prefixes.ts';
import type { MeshSink } from './sink.ts';
import { FrameType } from './wire/frame.ts';
import { commonVersion, readHello } from './wire/hello.ts';
import { Reader } from './wire/reader.ts';
import { readVector } from './wire/vector.ts';

export interface InboundFramesParts {
  readonly peers: Peers;
  readonly leases: Leases;
  readonly paths: Paths;
  readonly gossip: Gossip;
  readonly prefixes: SharedPrefixes;
  readonly relays: Relays;
  readonly sink: MeshSink;
}

/** What comes on the stream of a link: HELLO first, then each frame to whom it concerns. */
export class InboundFrames {
  readonly #parts: InboundFramesParts;

  constructor(parts: InboundFramesParts) {
    this.#parts = parts;
  }

  /** Bytes of the stream from a member that is linked. @throws MeshError */
  receive(peer: Peer, bytes: Uint8Array, now: TimeUs): void {
    peer.splitter.push(bytes, (type, buffer, start, end) => {
      if (!peer.frames.take(1, now)) {
        throw new MeshError(MeshErrorCode.rate, 'remote', `worker ${peer.member} sends more frames than a member may`);
      }
      this.#frame(peer, type, new Reader(buffer, start, end), now);
    });
  }

  #frame(peer: Peer, type: number, reader: Reader, now: TimeUs): void {
    if (peer.version === undefined) {
      if (type !== FrameType.hello) throw frameError(`the first frame is of type ${type}, and no HELLO`);
      this.#hello(peer, reader, now);
      return;
    }
    const { paths, gossip, prefixes, relays, sink } = this.#parts;
    switch (type) {
      case FrameType.hello:
        throw frameError('a second HELLO came');
      case FrameType.vector:
        paths.setVector(peer.member, readVector(reader), now);
        return;
      case FrameType.relay:
        relays.receive(peer, reader, now);
        return;
      case FrameType.update:
      case FrameType.confirm:
      case FrameType.digest:
      case FrameType.have:
      case FrameType.want:
        gossip.receive(type, reader, peer.member, now);
        return;
      case FrameType.prefixes:
        prefixes.receive(peer, reader);
        return;
      case FrameType.sessions:
        sink.sessions?.(peer.member, reader.bytes(reader.left));
        return;
      case FrameType.ask: {
        const key = readKey(reader);
        reader.done();
        sink.asked?.(peer.member, key);
        return;
      }
      case FrameType.filters:
      case FrameType.askFilters:
        this.#filters(peer, type, reader);
        return;
      default:
        throw frameError(`frames of type ${type} are not known`);
    }
  }

  #hello(peer: Peer, reader: Reader, now: TimeUs): void {
    const { peers, leases, sink } = this.#parts;
    const hello = readHello(reader);
    peer.version = commonVersion(hello);
    peer.latestVersion = peer.version;
    peer.nextAt = 0;
    peers.earliest = 0;
    if (hello.member !== peer.member) {
      const message = `worker ${peer.member} says that it is worker ${hello.member}`;
      throw new MeshError(MeshErrorCode.member, 'remote', message);
    }
    if (hello.incarnation !== peer.incarnation) leases.restarted(peer.member);
    peer.incarnation = hello.incarnation;
    sink.greeted?.(peer.member, hello.handoff, now);
  }

  #filters(peer: Peer, type: number, reader: Reader): void {
    if (!peer.hasFilters)
      throw frameError(`frames of type ${type} are of a later version than worker ${peer.member} speaks`);
    const { sink } = this.#parts;
    if (type === FrameType.filters) {
      sink.filters?.(peer.member, reader.bytes(reader.left));
      return;
    }
    const key = readKey(reader);
    reader.done();
    sink.filtersAsked?.(peer.member, key);
  }
}
