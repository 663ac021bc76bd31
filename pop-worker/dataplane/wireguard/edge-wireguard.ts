import { hkdfSync } from 'node:crypto';
import { nowUs } from '#host/clock/clock.ts';
import { systemRandom } from '#host/random/random.ts';
import { enginePorts } from '#host/wireguard/engine-ports.ts';
import type { WireGuardKeys } from '#model/wireguard-keys.ts';
import type { Burst } from '#protocol/burst.ts';
import type { Verdict } from '#protocol/wireguard/anycast/questions.ts';
import type { StaticKeyOptions, WireGuardOptions, WireGuardSink } from '#protocol/wireguard/options.ts';
import type { Peer } from '#protocol/wireguard/peer.ts';
import { INITIATION_BYTES } from '#protocol/wireguard/wire/initiation.ts';
import { WireGuard } from '#protocol/wireguard/wireguard.ts';
import type { Admission } from '../admission.ts';
import type { OtherThreads } from '../exchange/other-threads.ts';
import type { Handed } from '../handoff/handed.ts';
import type { Handoff } from '../handoff/handoff.ts';
import type { DatagramPort } from '../quic-driver.ts';
import type { TunPort } from '../tun-port.ts';
import { WireGuardDriver } from './driver.ts';
import { HandedDatagrams } from './handed.ts';
import { PeerBook } from './peer-book.ts';
import { WireGuardSessions, type WireGuardSessionsParts } from './sessions.ts';
import { WIREGUARD_THREAD, type WireGuardSetup } from './setup.ts';
import { PeerShare } from './share.ts';
import { timeShares } from './share-of-time.ts';
import type { ThreadPeers } from './thread-peers.ts';

interface EdgeWireGuardParts extends Omit<WireGuardSessionsParts, 'core' | 'peers' | 'mtu' | 'send'> {
  readonly setup: WireGuardSetup;
  readonly socket: DatagramPort;
  readonly admission: Pick<Admission, 'objection'>;
  readonly tunPort: TunPort;
  /** Undefined: what belongs to other workers is not handed to them. */
  readonly handoff: Pick<Handoff, 'pass' | 'asks' | 'isDead' | 'silentFrom' | 'answer' | 'counters'> | undefined;
  /** Undefined where there is one thread. */
  readonly others: OtherThreads | undefined;
  readonly index: number;
  /** Of the worker. */
  readonly threads: number;
  readonly mayRun: () => boolean;
  /** What is queued anywhere leaves, as far as anything may. */
  readonly afterTurn: () => void;
}

/** All workers that share a static key know each other's cookies of it. */
const staticKey = (privateKey: Uint8Array): StaticKeyOptions => ({
  privateKey,
  cookieSecret: new Uint8Array(hkdfSync('sha256', privateKey, '', 'cloudbridge wireguard cookies', 32)),
});

/** Hands the keys over to whoever keeps copies of them, and wipes them and what was made of them. */
const handOver = <Result>(
  { privateKey, previousPrivateKey }: WireGuardKeys,
  to: (newest: StaticKeyOptions, previous: StaticKeyOptions | undefined) => Result,
): Result => {
  const keys = [privateKey, previousPrivateKey].map((key) => key && staticKey(key));
  try {
    return to(keys[0] as StaticKeyOptions, keys[1]);
  } finally {
    for (const key of keys) for (const secret of [key?.privateKey, key?.cookieSecret]) secret?.fill(0);
  }
};

/** Peers take no more than 50 initiations a second. */
const RENEWAL_MS = 100;
/** The worker that they are led to begins with 200 a second. */
const RENEWALS_A_TURN = 20;

/** Peers that are added before other work of the thread gets its turn: some 3 ms. */
const PEERS_A_TURN = 32;

/** WireGuard of a data-plane thread: its core between sockets and sessions. */
export class EdgeWireGuard {
  readonly core: WireGuard;
  readonly sessions: WireGuardSessions;
  readonly peers: PeerBook;
  /** Endpoints that moved. */
  moves = 0;
  readonly #driver: WireGuardDriver;
  readonly #parts: EdgeWireGuardParts;
  readonly #handed: HandedDatagrams;
  readonly #share: PeerShare;
  /** What was told of peers and waits for its turn. */
  readonly #changes: ThreadPeers[] = [];
  /** Of what is being taken now; undefined: this worker got it. */
  #handedBy: Handed | undefined;
  #renewals: NodeJS.Timeout | undefined;
  #adding: NodeJS.Immediate | undefined;
  #rejoining: NodeJS.Immediate | undefined;

  constructor(parts: EdgeWireGuardParts) {
    const { setup, socket, admission, mayRun, afterTurn, index, threads, others } = parts;
    const { mtu, handshakesASecond } = setup;
    this.#parts = parts;
    this.#share = new PeerShare(index, threads, others);
    this.#handed = new HandedDatagrams(setup.port);
    this.sessions = new WireGuardSessions({
      ...parts,
      ...{ mtu, core: () => this.core, peers: () => this.peers },
      send: (...packet) => this.#driver.send(...packet),
    });
    const { sessions } = this;
    const options: Omit<WireGuardOptions, 'privateKey'> = {
      ...{ mtu, ports: enginePorts(), random: systemRandom },
      handshakesASecond: Math.ceil(handshakesASecond / threads),
      ...timeShares(),
      ...{ isRoutedByCaller: true, isAnycast: true },
      unixUs: () => Date.now() * 1000,
      sink: {
        packets: (...packets) => sessions.packets(...packets),
        confirmed: (peer) => sessions.isHere(peer),
        answered: (peer) => sessions.isHere(peer),
        moved: () => void this.moves++,
        expired: (peer) => sessions.expired(peer),
        elsewhere: (...datagram) => this.#pass(...datagram),
        holder: (peer) => this.#holder(peer),
        isOrphaned: (peer) => this.#isOrphaned(peer),
        silentFrom: (worker) => parts.handoff?.silentFrom(worker) ?? 0,
        // Without others that say where devices are it may be at another worker for all we know.
        isHere: ({ number }) => parts.settles && sessions.isServed(number),
        stranger: (key, bytes, at, ...from) =>
          this.#share.handOnInitiation(key, bytes, at, at + INITIATION_BYTES, ...from),
      },
    };
    this.core = handOver(
      setup,
      (newest, previous) => new WireGuard({ ...options, ...newest, ...(previous && { previous }) }),
    );
    this.peers = new PeerBook({
      ...{ core: this.core, begins: !parts.settles },
      isBarred: (admitted) => admission.objection(admitted) !== undefined,
      gone: ({ record }, reason) => sessions.gone(record.number, reason),
      changed: (known, before) => sessions.changed(known, before),
    });
    this.#driver = new WireGuardDriver({
      ...{ socket, core: this.core, mayRun, afterTurn },
      take: (burst) => this.#take(burst),
    });
  }

  /** Other keys of the fleet from now on, which it wipes. Devices that are here by one that is no more are gone. */
  setKeys(keys: WireGuardKeys): void {
    for (const peer of handOver(keys, (...own) => this.core.setKeys(...own))) this.sessions.endedByKey(peer.number);
    this.#rejoin();
    this.#parts.afterTurn();
  }

  /** Devices that are here by the key before the newest. */
  byPrevious(): string[] {
    return this.sessions.numbers().flatMap((number) => {
      const known = this.peers.get(number);
      if (known?.peer === undefined || !this.core.isByPrevious(known.peer)) return [];
      return [`${known.record.tenant}/${known.record.device}`];
    });
  }

  /** Packets get their turn between. */
  #rejoin(): void {
    clearImmediate(this.#rejoining);
    const isMore = this.core.rejoinSome(PEERS_A_TURN);
    this.#rejoining = isMore ? setImmediate(() => this.#rejoin()) : undefined;
  }

  /** Some peers are others. What comes faster than it is done waits: many may come at once, and packets get their turn between. */
  changePeers(change: ThreadPeers): void {
    this.#changes.push(change);
    if (this.#adding === undefined) this.#addPeers();
  }

  /** As `PeerBook.review`. */
  review(tenant?: string): void {
    this.peers.review(tenant);
    this.#addPeers();
  }

  /** Packets get their turn between. */
  #addPeers(): void {
    clearImmediate(this.#adding);
    this.#adding = undefined;
    const change = this.#changes.shift();
    if (change !== undefined) {
      this.#share.change(change);
      this.peers.change(change);
    }
    const isMore = this.peers.addSome(Math.max(0, PEERS_A_TURN - (change?.changed.length ?? 0)));
    // Also where there is no more: hundreds of messages may come in one turn.
    this.#adding = setImmediate(() => {
      this.#adding = undefined;
      if (isMore || this.#changes.length > 0) this.#addPeers();
    });
    this.#parts.afterTurn();
  }

  /** Another worker has or had a device since this time, in milliseconds since 1970: what we begin from now on is later. */
  observe(unixMs: number): void {
    this.core.observeTimestamp((unixMs + 1) * 1000);
  }

  /** Devices are to go where routes lead, some at a time, and each is asked twice: one initiation or its answer may be lost. */
  drain(): void {
    const waiting = this.sessions.numbers();
    let again: readonly number[] = [];
    const turn = (): void => {
      const next = waiting.splice(0, RENEWALS_A_TURN);
      this.sessions.renew([...again, ...next], nowUs());
      this.#parts.afterTurn();
      again = next;
      if (next.length > 0) this.#renewals = setTimeout(turn, RENEWAL_MS * this.#parts.threads);
    };
    this.undrain();
    this.sessions.sites.drain(true);
    turn();
  }

  undrain(): void {
    this.sessions.sites.drain(false);
    clearTimeout(this.#renewals);
  }

  /**
   * Of what another worker or thread handed over, takes what is WireGuard's: the burst has only the rest then.
   *
   * @param handed by another worker, which begins with whoever sent it if that is called for, and may ask; undefined: by a thread
   */
  takeHanded(burst: Burst, handed: Handed | undefined): void {
    const own = this.#handed.sortOut(burst);
    if (own.count === 0) return;
    this.#handedBy = handed;
    try {
      this.#driver.take(own);
    } finally {
      this.#handedBy = undefined;
    }
  }

  /** Another worker answers what it was asked. */
  answered(worker: number, question: number, verdict: Verdict): void {
    this.core.answer(worker, question, verdict, nowUs());
  }

  /** Sends what is queued for devices. */
  run(): void {
    this.#driver.run();
  }

  /** Wipes all keys. */
  close(): void {
    this.undrain();
    clearImmediate(this.#adding);
    this.sessions.sites.close();
    clearImmediate(this.#rejoining);
    this.#driver.close();
    this.core.close();
    this.peers.wipe();
  }

  /** The worker that has the device's session, as the mesh knows. */
  #elsewhere({ number }: Peer): number | undefined {
    const known = this.peers.get(number);
    return known && this.#parts.tenants.elsewhere(known.admitted)?.member;
  }

  #holder(peer: Peer): number | undefined {
    const member = this.#elsewhere(peer);
    return member !== undefined && this.#parts.handoff?.asks(member, WIREGUARD_THREAD) === true ? member : undefined;
  }

  #isOrphaned(peer: Peer): boolean {
    const member = this.#elsewhere(peer);
    return member !== undefined && this.#parts.handoff?.isDead(member) === true;
  }

  /** The worker that has the device's session gets it, while that one lives; meanwhile it becomes ours by a handshake. */
  #pass: NonNullable<WireGuardSink['elsewhere']> = (peer, buffer, at, length, words, from, question) => {
    const { handoff } = this.#parts;
    const member = this.#elsewhere(peer);
    if (handoff === undefined || member === undefined) return false;
    // Hop count 1, also where another thread of ours was handed it.
    if (this.#handedBy !== undefined) {
      handoff.counters.sendDrops.second_hop++;
      return false;
    }
    return handoff.pass(member, WIREGUARD_THREAD, buffer, at, at + length, words, from, question);
  };

  /** Packets for the outside are gathered where they were opened, and written before that is used again. */
  #take(burst: Burst): void {
    const handed = this.#handedBy;
    this.#share.sortOut(burst, handed);
    if (burst.count === 0) return;
    const { tunPort } = this.#parts;
    const { lasting } = tunPort;
    tunPort.lasting = burst.buffer;
    try {
      if (handed !== undefined && handed.question !== 0) this.#judge(burst, handed);
      else this.core.handle({ kind: 'datagrams', burst, isHanded: handed !== undefined }, nowUs());
    } finally {
      tunPort.flush();
      tunPort.lasting = lasting;
    }
  }

  /** A datagram that another worker got and asks about. */
  #judge(burst: Burst, handed: Handed): void {
    const verdict = this.core.judge(burst, nowUs());
    if (verdict !== undefined) this.#parts.handoff?.answer(handed, verdict);
  }
}
