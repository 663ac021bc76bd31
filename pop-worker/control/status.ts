import { create, toBinary } from '@bufbuild/protobuf';
import { timestampFromMs, timestampNow } from '@bufbuild/protobuf/wkt';
import { headers, type Msg, type MsgHdrs, type NatsConnection } from '@nats-io/nats-core';
import { toEventMessage } from '#model/event-message.ts';
import { Bucket, StatusKey } from '#model/names.ts';
import { type Event, EventSchema } from '#proto/gen/cloudbridge/v1/event_pb.ts';
import { Health, type LocalOrder, WorkerStatusSchema } from '#proto/gen/cloudbridge/v1/pop_pb.ts';
import type { ControlView } from './describe.ts';
import type { WorkerEvent } from './source.ts';
import { Whereabouts } from './whereabouts.ts';

/** What the worker knows of itself. */
export interface WorkerReport {
  readonly health: Health;
  readonly localOrder?: LocalOrder;
  readonly version: string;
  readonly startTimeMs: number;
  readonly sessions: number;
  readonly packetsUp: bigint;
  readonly packetsDown: bigint;
  readonly packetsDropped: bigint;
}

export interface StatusOptions {
  readonly pop: string;
  readonly worker: string;
  readonly report: () => WorkerReport;
  /** What it knows of the control plane. */
  readonly view: () => ControlView;
  /** The control plane has confirmed something. */
  readonly onHeard?: () => void;
  readonly onError: (error: unknown) => void;
  readonly everyMs?: number;
}

const EVERY_MS = 5000;
/** How long a worker that fell silent is remembered; the API says that it is. */
const STATUS_SECONDS = 86_400;
const RECEIPT_MS = 3000;
/** For the last report of all: a stop must not wait for a control plane that is not there. */
const LAST_RECEIPT_MS = 1000;
const PRESENCE_SECONDS = 120;
const PRESENCE_EVERY_MS = 40_000;
/** While NATS is away so many events wait; older ones are dropped and counted. */
const MAX_WAITING = 10_000;

interface Waiting {
  readonly subject: string;
  readonly payload: Uint8Array | string;
  readonly headers: ReadonlyMap<string, string>;
}

/** Tells the control plane how the worker is and who is connected to it. */
export class Status {
  readonly #options: StatusOptions;
  readonly whereabouts: Whereabouts;
  #waiting: Waiting[] = [];
  #nats: NatsConnection | undefined;
  #timers: ReturnType<typeof setInterval>[] = [];
  #sending = false;
  #online = false;
  #statusFailure: string | undefined;
  /** Events that were lost because NATS was away for too long. */
  dropped = 0;

  constructor(options: StatusOptions) {
    this.#options = options;
    const { pop, worker, report } = options;
    this.whereabouts = new Whereabouts({
      ...{ pop, worker, startTimeMs: () => report().startTimeMs },
      put: (key, value) => (value === undefined ? this.#end(key) : this.#put(key, value, PRESENCE_SECONDS)),
    });
  }

  start(nats: NatsConnection): void {
    this.#nats = nats;
    this.refresh();
    this.#timers = [
      setInterval(() => this.reportSelf(), this.#options.everyMs ?? EVERY_MS),
      setInterval(() => this.whereabouts.report(), PRESENCE_EVERY_MS),
    ];
  }

  /** NATS is away: nothing is kept for later but events. */
  pause(): void {
    this.#online = false;
  }

  /** Also after a reconnection: what expired meanwhile comes back. */
  refresh(): void {
    this.#online = true;
    this.reportSelf();
    this.whereabouts.report();
    void this.#send();
  }

  connected(device: Omit<Extract<WorkerEvent, { readonly type: 'connected' }>, 'type'>): void {
    this.#tell(device.tenant, { case: 'deviceConnected', value: this.whereabouts.connected(device) });
  }

  disconnected(tenant: string, device: string): void {
    const presence = this.whereabouts.disconnected({ tenant, device });
    if (presence !== undefined) this.#tell(tenant, { case: 'deviceDisconnected', value: presence });
  }

  /** Says that the worker has stopped, if somebody hears it. */
  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers = [];
    this.whereabouts.close();
    await this.#putStatus({ health: Health.STOPPED, sessions: 0 }, LAST_RECEIPT_MS);
  }

  /** Reports now what would be reported within seconds. */
  reportSelf(): void {
    void this.#putStatus({}, RECEIPT_MS);
  }

  /** With a receipt, so that both sides know whether it arrived. Never rejects. */
  async #putStatus(change: Partial<WorkerReport>, timeoutMs: number): Promise<void> {
    const { pop, worker, report, view, onError, onHeard } = this.#options;
    if (!this.#online || this.#nats === undefined || this.#nats.isClosed()) return;
    const { startTimeMs, ...rest } = { ...report(), ...change };
    const { revision, fromDisk, contact: control } = view();
    const startTime = timestampFromMs(startTimeMs);
    const status = create(WorkerStatusSchema, { ...rest, pop, worker, startTime, revision, fromDisk, control });
    try {
      const subject = `$KV.${Bucket.status}.${StatusKey.worker(pop, worker)}`;
      const meta = headersOf([['Nats-TTL', `${STATUS_SECONDS}s`]]);
      const payload = toBinary(WorkerStatusSchema, status);
      throwRefusal(await this.#nats.request(subject, payload, { headers: meta, timeout: timeoutMs }), 'the status');
      this.#statusFailure = undefined;
      onHeard?.();
    } catch (cause) {
      // Sent again in seconds. That the connection is gone is told by itself.
      if (!this.#online || this.#nats.isClosed()) return;
      const reason = cause instanceof Error ? cause.message : String(cause);
      if (reason === this.#statusFailure) return;
      this.#statusFailure = reason;
      onError(new Error(`the control plane took no status of this worker: ${reason}`, { cause }));
    }
  }

  /** Copies that expire: what cannot be sent now will be sent again. */
  #put(key: string, value: Uint8Array, seconds: number): void {
    this.#publishLoosely(key, value, [['Nats-TTL', `${seconds}s`]]);
  }

  #end(key: string): void {
    this.#publishLoosely(key, new Uint8Array(0), [
      ['KV-Operation', 'DEL'],
      ['Nats-TTL', `${PRESENCE_SECONDS}s`],
    ]);
  }

  #publishLoosely(key: string, value: Uint8Array, meta: readonly (readonly [string, string])[]): void {
    if (!this.#online || this.#nats === undefined || this.#nats.isClosed()) return;
    this.#nats.publish(`$KV.${Bucket.status}.${key}`, value, { headers: headersOf(meta) });
  }

  #tell(tenant: string, data: Event['data']): void {
    const { pop, worker } = this.#options;
    const actor = `worker:${pop}/${worker}`;
    const event = create(EventSchema, { id: crypto.randomUUID(), tenant, time: timestampNow(), actor, data });
    const message = toEventMessage(event, `/cloudbridge/pops/${pop}/workers/${worker}`);
    this.#waiting.push({ subject: message.subject, payload: message.body, headers: message.headers });
    if (this.#waiting.length > MAX_WAITING) {
      this.#waiting.shift();
      this.dropped++;
    }
    void this.#send();
  }

  /** Events are acknowledged one by one, in order; one that was not is sent again under the same Nats-Msg-Id. */
  async #send(): Promise<void> {
    if (!this.#online || this.#sending || this.#nats === undefined) return;
    this.#sending = true;
    try {
      for (let next = this.#waiting[0]; next !== undefined && this.#online; next = this.#waiting[0]) {
        const options = { headers: headersOf([...next.headers]), timeout: RECEIPT_MS };
        throwRefusal(await this.#nats.request(next.subject, next.payload, options), 'an event');
        this.#options.onHeard?.();
        if (this.#waiting[0] === next) this.#waiting.shift();
      }
    } catch (error) {
      // Sent again with the next event or reconnection.
      if (this.#nats?.isClosed() !== true) this.#options.onError(error);
    } finally {
      this.#sending = false;
    }
  }
}

const headersOf = (pairs: readonly (readonly [string, string])[]): MsgHdrs => {
  const found = headers();
  for (const [name, text] of pairs) found.set(name, text);
  return found;
};

/** @throws Error when JetStream's receipt is none */
const throwRefusal = (receipt: Msg, what: string): void => {
  const { error } = receipt.json<{ error?: { description?: string } }>();
  if (error !== undefined) throw new Error(`${what} was refused: ${error.description}`);
};
