import type { Command } from '#dataplane/commands.ts';
import type { HandoffPeer } from '#dataplane/handoff/setup.ts';
import type { MeshNotice } from '#pop-worker/mesh/messages.ts';
import type { MeshPeer } from '#pop-worker/mesh/setup.ts';

type Place = Extract<MeshNotice, { type: 'handoff' }>;

/** What the mesh knows, as the data plane needs it to hand packets to other workers and to answer for dead ones. */
export class MeshHandoff {
  readonly #peers: Map<number, HandoffPeer>;
  readonly #post: (command: Command) => void;
  readonly #peerOf: (peer: MeshPeer) => HandoffPeer;
  readonly #linked = new Set<number>();
  readonly #dead = new Set<number>();

  /** @param peers that the data plane was started with @param peerOf what is known of a member before it says anything */
  constructor(
    peers: readonly HandoffPeer[],
    post: (command: Command) => void,
    peerOf: (peer: MeshPeer) => HandoffPeer,
  ) {
    this.#peerOf = peerOf;
    this.#peers = new Map(peers.map((peer) => [peer.worker, peer]));
    this.#post = post;
  }

  /** Members, in place of those before. Whoever is configured with a key stays. */
  setPeers(members: readonly MeshPeer[]): void {
    const wanted = new Map(members.map((peer) => [peer.member, peer]));
    for (const [worker, { staticKey }] of this.#peers) {
      if (staticKey !== undefined || wanted.has(worker)) continue;
      this.#peers.delete(worker);
      this.#dead.delete(worker);
      this.#post({ type: 'handoff-peer-gone', worker });
    }
    for (const [worker, member] of wanted) {
      if (this.#peers.has(worker)) continue;
      const peer = this.#peerOf(member);
      this.#peers.set(worker, peer);
      this.#post({ type: 'handoff-peer', peer });
    }
  }

  /** A member said where it is handed packets; its keys follow from the link. Whoever is configured with a key keeps that. */
  place({ member, address, port, threads, answers = false, keyId, secret }: Place): void {
    const known = this.#peers.get(member);
    if (known === undefined || known.staticKey !== undefined) return;
    const isAsBefore = known.address === address && known.port === port && known.threads === threads;
    if (!isAsBefore || known.answers !== answers) {
      const peer = { ...known, address, port, threads, answers };
      this.#peers.set(member, peer);
      // It has no keys after that.
      this.#post({ type: 'handoff-peer', peer });
    }
    this.#post({ type: 'handoff-key', worker: member, keyId, secret });
  }

  linked(member: number, isLinked: boolean): void {
    if (isLinked) this.#linked.add(member);
    else this.#linked.delete(member);
    this.#tell(member);
  }

  verdict(member: number, isDead: boolean): void {
    if (isDead) this.#dead.add(member);
    else this.#dead.delete(member);
    this.#tell(member);
  }

  majority(holds: boolean): void {
    this.#post({ type: 'handoff-majority', holds });
  }

  #tell(worker: number): void {
    const ofLink = this.#linked.has(worker) ? 'alive' : 'suspected';
    this.#post({ type: 'handoff-liveness', worker, liveness: this.#dead.has(worker) ? 'dead' : ofLink });
  }
}
