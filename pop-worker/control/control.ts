import { join } from 'node:path';
import type { NatsConnection } from '@nats-io/nats-core';
import type { RevisionKey } from '#model/revision.ts';
import type { WorkerConfig } from '#proto/gen/cloudbridge/v1/revision_pb.ts';
import { Contact } from './contact.ts';
import { type ControlView, describeControl } from './describe.ts';
import { DesiredState } from './desired-state.ts';
import { Fleet } from './fleet.ts';
import { Membership } from './membership.ts';
import { checkFiles, connectNats, type NatsOptions } from './nats.ts';
import { Revisions } from './revisions.ts';
import { Status, type WorkerReport } from './status.ts';
import { WireguardPeers, type WireguardPeersOptions } from './wireguard-peers.ts';

export interface ControlOptions extends NatsOptions {
  /** Where the last known good state lies; nobody else may read it. */
  readonly stateDirectory: string;
  readonly revisionKeys: ReadonlyMap<string, RevisionKey>;
  /** Share (0 to 1) of the worker's sessions that the next revision would cut. */
  readonly shareCut?: (next: WorkerConfig) => number | Promise<number>;
  /** How the worker is; what it knows of the control plane is added. */
  readonly report: () => WorkerReport;
  readonly statusEveryMs?: number;
  /** Whether what other workers say of themselves is followed. */
  readonly followsFleet?: boolean;
  /** Absent: nobody comes by WireGuard here. */
  readonly wireguard?: Pick<WireguardPeersOptions, 'keys' | 'told'>;
  readonly onError: (error: unknown) => void;
}

/** The worker's side of the control plane. */
export class Control {
  readonly state = new DesiredState();
  readonly membership: Membership;
  readonly revisions: Revisions;
  readonly status: Status;
  readonly contact: Contact;
  readonly fleet = new Fleet(() => performance.now());
  /** Undefined: nobody comes by WireGuard here. */
  readonly peers: WireguardPeers | undefined;
  readonly #options: ControlOptions;
  #nats: NatsConnection | undefined;
  readonly #closing = new AbortController();
  /** We end the connection ourselves. */
  #isExpected = false;

  private constructor(options: ControlOptions) {
    const { pop, worker, stateDirectory, report } = options;
    this.#options = options;
    const { state } = this;
    this.contact = new Contact(options.onError);
    const told = {
      onHeard: () => {
        this.contact.heard();
        this.membership.confirm();
      },
      onCurrent: () => this.#noteCurrent(),
      onError: (error: unknown) => this.contact.failed(error),
    };
    this.membership = new Membership({
      ...{ state, pop, worker, file: join(stateDirectory, 'membership'), ...told },
      followsPeers: options.wireguard !== undefined,
    });
    this.peers = options.wireguard && new WireguardPeers({ ...options.wireguard, state, onError: told.onError });
    this.revisions = new Revisions({
      state,
      pop,
      worker,
      keys: options.revisionKeys,
      file: join(stateDirectory, 'revision'),
      ...told,
      ...(options.shareCut !== undefined && { shareCut: options.shareCut }),
    });
    this.status = new Status({
      pop,
      worker,
      ...told,
      ...(options.statusEveryMs !== undefined && { everyMs: options.statusEveryMs }),
      report,
      view: () => this.view,
    });
  }

  /** Whether there is a connection to NATS at this moment. */
  get connected(): boolean {
    return this.contact.connected;
  }

  get view(): ControlView {
    return describeControl(this);
  }

  /** Starts with what is on disk, at once, whether or not there is a control plane; connects in the background. */
  static async start(options: ControlOptions): Promise<Control> {
    const control = new Control(options);
    await control.membership.load();
    await control.revisions.load();
    void control.#connect().catch((error: unknown) => control.contact.failed(error));
    return control;
  }

  /**
   * Connects anew, with credentials and CA as they are on disk now. While there is no connection that goes on anyway.
   *
   * @throws FileError when they cannot be used: the connection stays
   */
  async reconnect(): Promise<void> {
    checkFiles(this.#options);
    if (!this.connected) return;
    this.#isExpected = true;
    await this.#nats?.reconnect();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#isExpected = true;
    await this.status.close();
    const closing = [this.membership.close(), this.revisions.close(), this.fleet.close(), this.peers?.close()];
    await this.#nats?.close();
    await Promise.all(closing);
  }

  async #connect(): Promise<void> {
    const onError = (error: unknown): void => this.contact.failed(error);
    const nats = await connectNats(this.#options, this.#closing.signal, onError);
    if (nats === undefined) return;
    if (this.#closing.signal.aborted) return nats.close();
    this.#nats = nats;
    this.contact.gained();
    this.membership.watch(nats);
    this.revisions.watch(nats);
    this.status.start(nats);
    if (this.#options.followsFleet === true) this.fleet.watch(nats, onError);
    for await (const { type } of nats.status()) {
      if (type === 'disconnect') {
        if (!this.#isExpected) this.contact.failed(new Error('the connection to NATS was lost: it is made again'));
        this.#isExpected = false;
        this.contact.lost();
        this.#noteCurrent();
        this.status.pause();
      }
      if (type === 'reconnect') {
        this.contact.gained();
        // The server forgot who was listening if it was restarted; waiting to find out would take half a minute.
        this.membership.restart();
        this.revisions.restart();
        this.fleet.restart();
        this.status.refresh();
      }
    }
  }

  #noteCurrent(): void {
    this.state.setCurrent(this.connected && this.membership.isCurrent && this.revisions.isCurrent);
  }
}
