import { join } from 'node:path';
import type { NatsConnection } from '@nats-io/nats-core';
import type { RevisionKey } from '#model/revision.ts';
import type { WorkerConfig } from '#proto/gen/cloudbridge/v1/revision_pb.ts';
import { DesiredState } from './desired-state.ts';
import { Membership } from './membership.ts';
import { connectNats, type NatsOptions } from './nats.ts';
import { Revisions } from './revisions.ts';
import { Status, type WorkerReport } from './status.ts';

export interface ControlOptions extends NatsOptions {
  /** Where the last known good state lies; nobody else may read it. */
  readonly stateDirectory: string;
  readonly revisionKeys: ReadonlyMap<string, RevisionKey>;
  /** Share (0 to 1) of the worker's sessions that the next revision would cut. */
  readonly shareCut?: (current: WorkerConfig | undefined, next: WorkerConfig) => number;
  /** How the worker is; revision and its origin are added. */
  readonly report: () => Omit<WorkerReport, 'revision' | 'fromDisk'>;
  readonly statusEveryMs?: number;
  readonly onError: (error: unknown) => void;
}

/** The worker's side of the control plane. */
export class Control {
  readonly state = new DesiredState();
  readonly membership: Membership;
  readonly revisions: Revisions;
  readonly status: Status;
  readonly #options: ControlOptions;
  #nats: NatsConnection | undefined;
  readonly #closing = new AbortController();
  /** Whether NATS is heard at this moment, and since when it is not. */
  connected = false;
  disconnectedSinceMs: number | undefined = Date.now();

  private constructor(options: ControlOptions) {
    const { pop, worker, stateDirectory, onError, report } = options;
    this.#options = options;
    const { state } = this;
    this.membership = new Membership({ state, pop, worker, file: join(stateDirectory, 'membership'), onError });
    this.revisions = new Revisions({
      state,
      keys: options.revisionKeys,
      file: join(stateDirectory, 'revision'),
      onError,
      ...(options.shareCut !== undefined && { shareCut: options.shareCut }),
    });
    this.status = new Status({
      pop,
      worker,
      onError,
      ...(options.statusEveryMs !== undefined && { everyMs: options.statusEveryMs }),
      report: () => ({
        ...report(),
        revision: this.revisions.applied?.number ?? 0n,
        fromDisk: this.revisions.applied?.fromDisk ?? false,
      }),
    });
  }

  /** Starts with what is on disk, at once, whether or not there is a control plane; connects in the background. */
  static async start(options: ControlOptions): Promise<Control> {
    const control = new Control(options);
    await control.membership.load();
    await control.revisions.load();
    void control.#connect().catch(options.onError);
    return control;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.status.close();
    const closing = [this.membership.close(), this.revisions.close()];
    await this.#nats?.close();
    await Promise.all(closing);
  }

  async #connect(): Promise<void> {
    const nats = await connectNats(this.#options, this.#closing.signal, this.#options.onError);
    if (nats === undefined) return;
    if (this.#closing.signal.aborted) return nats.close();
    this.#nats = nats;
    this.#setConnected(true);
    this.membership.watch(nats);
    this.revisions.watch(nats);
    this.status.start(nats);
    for await (const { type } of nats.status()) {
      if (type === 'disconnect') {
        this.#setConnected(false);
        this.status.pause();
      }
      if (type === 'reconnect') {
        this.#setConnected(true);
        // The server forgot who was listening if it was restarted; waiting to find out would take half a minute.
        this.membership.restart();
        this.revisions.restart();
        this.status.refresh();
      }
    }
  }

  #setConnected(connected: boolean): void {
    this.connected = connected;
    this.disconnectedSinceMs = connected ? undefined : Date.now();
  }
}
