import { sameHost } from '../../address.ts';
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
  readonly #hooks: PathHooks;
  #known: Path[];
  #active: Path;
  #nextId = 1;
  /** Highest packet number of a non-probing packet. */
  #newest = -1;

  constructor(first: Path, hooks: PathHooks) {
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
  onProbing(path: Path): void {
    this.#remember(path);
  }

  /** RFC 9000 §9.3: the newest packet that does more than probe decides where packets go. */
  onNonProbing(path: Path, packetNumber: number, now: TimeUs): void {
    if (packetNumber <= this.#newest) return;
    this.#newest = packetNumber;
    if (path !== this.#active) this.#migrate(path, now);
  }

  #migrate(path: Path, now: TimeUs): void {
    const former = this.#active;
    this.#remember(path);
    this.#active = path;
    const fresh = !sameHost(path.remote, 0, former.remote, 0) && path.congestionId !== former.congestionId;
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

  onChallenge(path: Path, buffer: Uint8Array, start: number): void {
    path.response.set(buffer.subarray(start, start + 8));
    path.responsePending = true;
  }

  /** RFC 9000 §8.2.3: a response validates the path on which the challenge went out, wherever it arrives. */
  onResponse(buffer: Uint8Array, start: number, now: TimeUs): void {
    for (const path of this.#known) {
      if (!path.validation.matches(buffer, start)) continue;
      path.validation.stop();
      if (path.validated) return;
      path.validated = true;
      this.#hooks.pathValidated(path, now);
      return;
    }
  }

  /** A path on which a challenge or a response is to be sent. */
  nextProbe(): Path | undefined {
    if (this.#known.length === 1 && !this.#active.responsePending && !this.#active.validation.pending) return undefined;
    return this.#known.find((path) => path.responsePending || path.validation.pending);
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
