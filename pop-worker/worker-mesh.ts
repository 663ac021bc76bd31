import type { Command, Notice } from '#dataplane/commands.ts';
import type { ExchangeMemory } from '#dataplane/exchange/exchange.ts';
import type { FenceMemory } from '#dataplane/fence.ts';
import type { RemoteSession } from '#dataplane/forward/remote-sessions.ts';
import type { HandoffPeer, HandoffSetup } from '#dataplane/handoff/setup.ts';
import type { WatchedThread } from '#host/thread/beats.ts';
import type { MeshMembers } from '#model/mesh.ts';
import { MeshThread } from '#pop-worker/mesh/mesh-thread.ts';
import type { MeshNotice, MeshStatus } from '#pop-worker/mesh/messages.ts';
import type { MeshPeer } from '#pop-worker/mesh/setup.ts';
import { MOST_PREFIXES } from '#protocol/mesh/wire/prefixes.ts';
import { MOST_MEMBERS } from '#protocol/mesh/wire/vector.ts';
import type { Logger } from '#telemetry/logger.ts';
import type { Slots } from '#telemetry/slots.ts';
import { MeshHandoff } from './handoff-mesh.ts';
import { MeshCertificate } from './mesh-certificate.ts';
import type { MeshConfig } from './mesh-settings.ts';

interface WorkerMeshParts {
  readonly config: MeshConfig;
  /** Its own file says its number; else the control plane has given it. */
  readonly isNumbered: boolean;
  /** As all data-plane threads have it; undefined: packets are not handed over. */
  readonly handoff: HandoffSetup | undefined;
  /** A member that came later, as packets are handed to it. */
  readonly handoffPeer: (peer: MeshPeer) => HandoffPeer;
  readonly threads: number;
  readonly exchange: ExchangeMemory;
  readonly fence: FenceMemory;
  /** Data-plane threads. */
  readonly watched: readonly WatchedThread[];
  /** As `MeshThreadSetup.filters`. */
  readonly filters: boolean;
  readonly congestionControl: string;
  /** To all data-plane threads. */
  readonly post: (command: Command) => void;
  /** Which prefixes of this worker others announce too; undefined: nobody is heard. */
  readonly others: (shared: ReadonlySet<string> | undefined) => void;
  readonly log: Logger;
  readonly broken: (reason: string) => void;
}

/** The mesh of a worker: its thread, and what that and the data plane's threads tell each other. */
export class WorkerMesh {
  readonly #parts: WorkerMeshParts;
  readonly #thread: MeshThread;
  readonly #handoff: MeshHandoff | undefined;
  readonly #certificate: MeshCertificate;
  /** Sessions at other workers, for tenants that become known later. */
  readonly #remote = new Map<number, RemoteSession>();

  constructor(parts: WorkerMeshParts) {
    this.#parts = parts;
    const { config, handoff, threads, exchange, fence, watched, filters, congestionControl, broken } = parts;
    if (handoff !== undefined) this.#handoff = new MeshHandoff(handoff.peers, parts.post, parts.handoffPeer);
    this.#certificate = new MeshCertificate(parts.log);
    this.#certificate.set(config.tls.certificate);
    this.#thread = new MeshThread(
      // A start that is later by the clock is a later one.
      {
        ...{ ...config, threads, exchange, fence, watched, filters, congestionControl, incarnation: Date.now() },
        handoff: handoff && { port: handoff.port, threads, answers: true },
        heard: handoff?.heard,
      },
      { notice: (notice) => this.#take(notice), gone: broken },
    );
  }

  /** When it has its socket. @throws Error with one sentence */
  async ready(): Promise<void> {
    await this.#thread.ready;
  }

  get slots(): Slots {
    const { slots } = this.#thread;
    this.#certificate.collect(slots);
    return slots;
  }

  /** Certificate, key and authority of links from now on; those that are there stay. */
  renew(tls: MeshConfig['tls']): void {
    this.#certificate.set(tls.certificate);
    this.#thread.post({ type: 'tls', tls });
  }

  isAlive(): boolean {
    return this.#thread.isAlive();
  }

  /** A data-plane thread tells of a session. */
  notice(notice: Extract<Notice, { type: 'attached' | 'detached' }>): void {
    this.#thread.post(notice);
  }

  /** Who is a member by desired state. Those of the worker's own file stay, as they are there. */
  members({ own, others }: MeshMembers): void {
    const { config, isNumbered, log, broken } = this.#parts;
    if (own !== undefined && own !== config.member) {
      const numbers = { file: config.member, controlPlane: own };
      if (isNumbered) log.error('the file and the control plane say different numbers of this worker', numbers);
      else broken(`the control plane has given this worker another number, ${own}: it has to start anew`);
      return;
    }
    if (own === undefined) log.warn('the control plane does not have this worker in the mesh');
    const { peers: fixed } = config;
    const isFixed = ({ member, name }: MeshPeer): boolean =>
      member === config.member || fixed.some((peer) => peer.member === member || peer.name === name);
    const all = [...fixed, ...(own === undefined ? [] : others.filter((other) => !isFixed(other)))];
    const peers = all.slice(0, MOST_MEMBERS - 1);
    if (peers.length < all.length) log.error('there are more workers than a mesh may have', { most: MOST_MEMBERS });
    this.#handoff?.setPeers(peers);
    this.#thread.post({ type: 'peers', peers });
  }

  /** A tenant is known now: so are its devices elsewhere. */
  tenant(tenant: string): void {
    for (const session of this.#remote.values()) {
      if (session.tenant === tenant) this.#parts.post({ type: 'attached', session });
    }
  }

  /** Which prefixes this worker announces where it does, and whether others may count on that. */
  announces(announces: boolean, prefixes: readonly string[]): void {
    const { log } = this.#parts;
    if (prefixes.length > MOST_PREFIXES)
      log.warn('other workers are told only some of the prefixes', { prefixes: prefixes.length, most: MOST_PREFIXES });
    this.#thread.post({ type: 'announces', announces, prefixes });
  }

  status(): Promise<MeshStatus | undefined> {
    return this.#thread.status();
  }

  stop(): Promise<void> {
    this.#certificate.stop();
    return this.#thread.stop();
  }

  #take(notice: MeshNotice): void {
    const { post, log } = this.#parts;
    switch (notice.type) {
      case 'attached':
        this.#remote.set(notice.session.serial, notice.session);
        post(notice);
        return;
      case 'detached':
        this.#remote.delete(notice.session.serial);
        post(notice);
        return;
      case 'settled':
      case 'superseded':
        post(notice);
        return;
      case 'handoff':
        this.#handoff?.place(notice);
        return;
      case 'linked':
        this.#handoff?.linked(notice.member, true);
        log.info('a link to another worker is up', { worker: notice.name, member: notice.member });
        return;
      case 'unlinked':
        this.#handoff?.linked(notice.member, false);
        log.warn('a link to another worker is down', {
          worker: notice.name,
          member: notice.member,
          reason: notice.reason,
        });
        return;
      case 'refused':
        log.warn('the mesh refused somebody, or something', { reason: notice.reason });
        return;
      case 'lease':
        this.#handoff?.majority(notice.isHeld);
        if (notice.isHeld) log.info('a majority of the workers hears this one');
        else log.warn('no majority of the workers hears this one; it goes on serving');
        return;
      case 'verdict':
        this.#handoff?.verdict(notice.member, notice.isDead);
        log.warn(notice.isDead ? 'a majority takes a worker for dead' : 'a worker is alive again', {
          member: notice.member,
        });
        return;
      case 'others':
        this.#parts.others(notice.shared);
        return;
      case 'serving':
        if (notice.isServing) log.info('the data plane runs again; its sessions have ended');
        else log.error('a data-plane thread hangs: other workers take over what this one has');
        return;
      case 'resumed':
        log.warn('this worker was stopped', { gapMs: Math.round(notice.gapMs) });
        return;
      case 'fault':
        log.error('a bug of CloudBridge was met: please report it', { ended: 'mesh', error: notice.error });
        return;
      default:
    }
  }
}
