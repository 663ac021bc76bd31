import type { TimeUs } from '../contract.ts';
import type { Leases } from './leases.ts';
import type { Peer } from './peer.ts';
import type { Peers } from './peers.ts';
import type { MeshOut } from './sink.ts';
import { FrameType, frameOf } from './wire/frame.ts';
import { PREFIXES_VERSION } from './wire/hello.ts';
import { type AnnouncedPrefix, prefixKey, readPrefixes, writePrefixes } from './wire/prefixes.ts';
import type { Reader } from './wire/reader.ts';

/** What we announce to routers, and which of that other members announce too. */
export class SharedPrefixes {
  /** Whether we announce our prefixes, and not for want of others. */
  announces = false;
  readonly #peers: Peers;
  readonly #leases: Leases;
  #own: readonly AnnouncedPrefix[] = [];
  /** How often they have changed. */
  #ownSet = 0;
  #shared: readonly number[] = [];
  #isStale = false;
  /** Of which of our sets of prefixes that is. */
  #sharedOf = 0;

  constructor(peers: Peers, leases: Leases) {
    this.#peers = peers;
    this.#leases = leases;
  }

  /** As `Mesh.setPrefixes`. */
  set(prefixes: readonly AnnouncedPrefix[], now: TimeUs): void {
    if (prefixes.map(prefixKey).join() === this.#own.map(prefixKey).join()) return;
    this.#own = prefixes;
    this.#ownSet++;
    this.#isStale = true;
    this.#peers.rouse(now);
  }

  /** A member says what it announces. @throws MeshError */
  receive(peer: Peer, reader: Reader): void {
    peer.prefixes = readPrefixes(reader);
    this.#isStale = true;
  }

  /** A member is none any more. */
  forget(): void {
    this.#isStale = true;
  }

  /** Tells a member what we announce, where it does not know yet. @returns whether it was told anything */
  tell(peer: Peer, out: MeshOut): boolean {
    if (peer.toldPrefixes === this.#ownSet || (peer.version ?? 0) < PREFIXES_VERSION) return false;
    peer.toldPrefixes = this.#ownSet;
    out.stream(peer.member, frameOf(FrameType.prefixes, writePrefixes(this.#own)));
    return true;
  }

  /** As `Mesh.sharedPrefixes`. */
  shared(now: TimeUs): readonly number[] | undefined {
    let hearsAnybody = false;
    for (const peer of this.#peers) {
      const isHeard = !peer.wasDead && this.#leases.hears(peer.member, now);
      hearsAnybody ||= isHeard;
      const isAnnouncing = isHeard && peer.announces;
      if (isAnnouncing !== peer.wasAnnouncing) this.#isStale = true;
      peer.wasAnnouncing = isAnnouncing;
    }
    if (this.#isStale) this.#find();
    return hearsAnybody ? this.#shared : undefined;
  }

  #find(): void {
    this.#isStale = false;
    const announcing = [...this.#peers].filter(({ wasAnnouncing }) => wasAnnouncing);
    const shared = this.#own.flatMap((prefix, place) => {
      const key = prefixKey(prefix);
      return announcing.some(({ prefixes }) => prefixes.has(key)) ? [place] : [];
    });
    if (shared.join() !== this.#shared.join() || this.#sharedOf !== this.#ownSet) this.#shared = shared;
    this.#sharedOf = this.#ownSet;
  }
}
