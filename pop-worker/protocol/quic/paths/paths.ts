import { sameAddress, sameHost } from '../../address.ts';
import { NEVER, type TimeUs } from '../../contract.ts';
import { Path } from './path.ts';

/** Address pairs remembered at once: the active one, the one before, and newcomers. */
const MAX_PATHS = 4;

/** What the rest of the connection does when the path changes. */
export interface PathHooks {
  /** The larger of the present PTO and that of a path of which nothing is known, in microseconds (RFC 9000 §8.2.4). */
  validationPtoUs(): number;
  /** Packets go elsewhere from now on. `fresh`: with congestion state and RTT of a new path (RFC 9000 §9.4). */
  pathChanged(path: Path, fresh: boolean, now: TimeUs): void;
  /** The path is not used any more. */
  pathForgotten(path: Path): void;
  /** A new address of the peer was validated. */
  pathValidated(path: Path, now: TimeUs): void;
  /** No validated path is left (RFC 9000 §9.3.2). */
  noPathLeft(now: TimeUs): void;
}

/** The addresses of a connection: where packets go, which newcomers are being validated (RFC 9000 §8.2, §9). */
export class Paths {
  readonly #isServer: boolean;
  readonly #hooks: PathHooks;
  #known: Path[];
  #active: Path;
  #nextId = 1;
  /** Highest packet number of a non-probing packet. */
  #newest = -1;
  /** A server's other address, to which the client has moved: packets go from there once it is validated. */
  #awaited: Path | undefined;

  constructor(isServer: boolean, first: Path, hooks: PathHooks) {
    this.#isServer = isServer;
    this.#hooks = hooks;
    this.#known = [first];
    this.#active = first;
  }

  get active(): Path {
    return this.#active;
  }

  get count(): number {
    return this.#known.length;
  }

  /** Whether a path that is still known uses the destination connection ID of that path. */
  usesCidOf(id: number): boolean {
    return this.#known.some((path) => path.cidId === id);
  }

  find(remote: Int32Array, remoteAt: number, local: Int32Array, localAt: number): Path | undefined {
    if (this.#active.matches(remote, remoteAt, local, localAt)) return this.#active;
    return this.#known.find((path) => path.matches(remote, remoteAt, local, localAt));
  }

  /** A datagram from an address that is not known: a candidate. It counts once a packet from there is authentic. */
  candidate(remote: Int32Array, remoteAt: number, local: Int32Array, localAt: number): Path {
    const path = new Path(this.#nextId, remote, remoteAt, local, localAt);
    path.cidId = this.#active.cidId;
    return path;
  }

  /** An authentic packet came from a candidate. Beyond the limit the oldest one that is not in use is forgotten. */
  #remember(path: Path): void {
    if (this.#known.includes(path)) return;
    this.#nextId++;
    if (this.#known.length === MAX_PATHS) {
      const victim =
        this.#known.find((known) => known !== this.#active && !known.validated) ??
        this.#known.find((known) => known !== this.#active);
      if (victim !== undefined) this.#forget(victim);
    }
    this.#known.push(path);
  }

  #forget(path: Path): void {
    this.#known = this.#known.filter((known) => known !== path);
    this.#hooks.pathForgotten(path);
  }

  /** An authentic packet with probing frames only came from elsewhere: answered there, nothing else (RFC 9000 §9.1). */
  onProbing(path: Path, now: TimeUs): void {
    this.#remember(path);
    if (this.#isServer && isElsewhere(path, this.#active)) this.#askFromThere(path, now);
  }

  /** RFC 9000 §9.3: the newest packet of a client that does more than probe decides where packets go; servers do not move. */
  onNonProbing(path: Path, packetNumber: number, now: TimeUs): void {
    if (!this.#isServer || packetNumber <= this.#newest) return;
    this.#newest = packetNumber;
    this.#awaited = undefined;
    if (path === this.#active) return;
    // §9.6.2: from its preferred address a server sends nothing but probes until the client is known to be there.
    if (path.validated || !isElsewhere(path, this.#active)) this.#migrate(path, now);
    else {
      this.#remember(path);
      this.#askFromThere(path, now);
      this.#awaited = path;
    }
  }

  /** The client talks to another address of ours: it is asked from there, under another connection ID (RFC 9000 §9.6.2). */
  #askFromThere(path: Path, now: TimeUs): void {
    if (path.validated || path.validation.running) return;
    if (path.localSequence !== this.#active.localSequence) path.cidId = path.id;
    path.validation.start(now, this.#hooks.validationPtoUs());
  }

  #migrate(path: Path, now: TimeUs): void {
    const former = this.#active;
    this.#remember(path);
    this.#active = path;
    const differs = !sameHost(path.remote, 0, former.remote, 0) || isElsewhere(path, former);
    const fresh = differs && path.congestionId !== former.congestionId;
    if (!fresh) path.congestionId = former.congestionId;
    // §9.5: a peer that moved on purpose uses another connection ID of ours, and must be met with another of its own.
    if (path.localSequence !== former.localSequence) path.cidId = path.id;
    this.#hooks.pathChanged(path, fresh, now);
    const ptoUs = this.#hooks.validationPtoUs();
    if (!path.validated) path.validation.start(now, ptoUs);
    // §9.3.3: the former path is asked too, in case somebody forwards packets of ours.
    if (former.validated) former.validation.start(now, ptoUs);
    else this.#forget(former);
  }

  /**
   * A client's own move to another local address, all zero for one that the kernel chooses (RFC 9000 §9.2): with another
   * connection ID (§9.5) and congestion state of its own (§9.4). Back, if nothing answers there.
   */
  move(local: Int32Array, now: TimeUs): void {
    const former = this.#active;
    // Whoever moves twice before anything answers goes back to where something did.
    const back = former.validated ? former : this.#known.findLast((known) => known.validated);
    const path = this.#add(former.remote, local);
    path.trusted = true;
    path.preferred = former.preferred;
    this.#active = path;
    const preferred = former.preferred ? undefined : this.#known.find((known) => known.preferred);
    for (const known of this.#known) if (known !== path && known !== back) this.#forget(known);
    this.#hooks.pathChanged(path, true, now);
    path.validation.start(now, this.#hooks.validationPtoUs());
    // §9.6.3: who moves while a preferred address is being asked asks both, from where it is now.
    if (preferred !== undefined) this.#askPreferred(preferred.remote, local, now);
  }

  /** A client asks its server's preferred address (RFC 9000 §9.6.1). Without an answer nothing changes. */
  tryPreferred(remote: Int32Array, now: TimeUs): void {
    this.#askPreferred(remote, this.#active.local, now);
  }

  #askPreferred(remote: Int32Array, local: Int32Array, now: TimeUs): void {
    const path = this.#add(remote, local);
    path.preferred = true;
    path.trusted = true;
    path.validation.start(now, this.#hooks.validationPtoUs());
  }

  #add(remote: Int32Array, local: Int32Array): Path {
    const path = new Path(this.#nextId, remote, 0, local, 0);
    this.#remember(path);
    return path;
  }

  /** RFC 9000 §8.2.3: a response validates the path on which the challenge went out, wherever it arrives. */
  onResponse(buffer: Uint8Array, start: number, now: TimeUs): void {
    for (const path of this.#known) {
      if (!path.validation.matches(buffer, start)) continue;
      const isShort = path.validation.isShort;
      path.validation.stop();
      // §8.2.1: whether it carries datagrams of full size is asked now that they may be sent.
      if (isShort) path.validation.start(now, this.#hooks.validationPtoUs());
      if (path.validated) return;
      path.validated = true;
      this.#hooks.pathValidated(path, now);
      if (!this.#isServer) this.#settle(path, now);
      else if (path === this.#awaited) {
        this.#awaited = undefined;
        this.#migrate(path, now);
      }
      return;
    }
  }

  /**
   * A client's new path answers: the former ones, and their connection IDs, are not used again (RFC 9000 §9.5). A preferred
   * address may still answer, and is then gone to (§9.6.3).
   */
  #settle(path: Path, now: TimeUs): void {
    const moves = path.preferred && path !== this.#active;
    this.#active = path;
    const mayAnswer = (known: Path): boolean => !path.preferred && known.preferred && known.validation.running;
    for (const known of this.#known) if (known !== path && !mayAnswer(known)) this.#forget(known);
    if (moves) this.#hooks.pathChanged(path, true, now);
  }

  /**
   * A path on which a challenge or a response is to be sent.
   *
   * @param mayRespond the window of the active path has room: responses there wait for it (RFC 9000 §8.2.2)
   */
  nextProbe(mayRespond: boolean): Path | undefined {
    if (this.#known.length === 1 && !this.#active.responses.pending && !this.#active.validation.pending)
      return undefined;
    return this.#known.find(
      (path) => path.validation.pending || (path.responses.pending && (mayRespond || !this.isHere(path))),
    );
  }

  /** The active path's congestion state holds on this one. */
  isHere(path: Path): boolean {
    return path.congestionId === this.#active.congestionId;
  }

  deadline(): TimeUs {
    let first = NEVER;
    for (const path of this.#known) first = Math.min(first, path.validation.deadline());
    return first;
  }

  onTimeout(now: TimeUs): void {
    for (const path of this.#known) {
      if (path.validation.deadline() > now || !path.validation.onTimeout(now)) continue;
      if (path === this.#active) this.#revert(now);
      else this.#forget(path);
    }
  }

  /** RFC 9000 §9.3.2: back to the last validated address. */
  #revert(now: TimeUs): void {
    const failed = this.#active;
    if (failed.validated) return;
    const back = this.#known.findLast((path) => path.validated);
    if (back === undefined) {
      this.#hooks.noPathLeft(now);
      return;
    }
    this.#active = back;
    this.#forget(failed);
    this.#hooks.pathChanged(back, failed.congestionId !== back.congestionId, now);
  }
}

/** They lead to different addresses of ours. */
const isElsewhere = (path: Path, other: Path): boolean =>
  path.local[0] !== 0 && other.local[0] !== 0 && !sameAddress(path.local, 0, other.local, 0);
