import { nowUs } from '#host/clock/clock.ts';
import { TcpAttempt } from '#host/tcp/connect.ts';
import { TcpStream } from '#host/tcp/stream.ts';
import { addressOf } from '#host/udp/address.ts';
import { NEVER } from '#protocol/contract.ts';
import type { HashKey } from '#protocol/keyed-hash.ts';
import { RtrClient, type RtrInput, type RtrOutput } from '#protocol/rpki/client.ts';
import type { VrpTable } from '#protocol/rpki/vrp-table.ts';
import type { RtrCacheConfig, RtrCacheStatus } from './setup.ts';

/** Timers of Node know no more than 2^31 ms: what is farther away is looked at now and then. */
const MOST_WAIT_MS = 3_600_000;

/** What a cache tells whoever has several. */
export interface CacheOwner {
  readonly key: HashKey;
  /** Something has happened: what is known may be another. */
  moved(): void;
  failed(text: string): void;
}

/** One RPKI cache: a client, its connection and its timer. On standby it has none of them, and no data. */
export class Cache {
  readonly config: RtrCacheConfig;
  /** How often what it has said has become another. */
  changes = 0;
  readonly #owner: CacheOwner;
  readonly #out: RtrOutput = { action: 'close', bytes: new Uint8Array(0) };
  #client: RtrClient | undefined;
  #attempt: TcpAttempt | undefined;
  #stream: TcpStream | undefined;
  #timer: NodeJS.Timeout | undefined;
  #lastError: string | undefined;

  constructor(config: RtrCacheConfig, owner: CacheOwner) {
    this.config = config;
    this.#owner = owner;
  }

  /** What it has said, while that is not too old. */
  get table(): VrpTable | undefined {
    return this.#client?.hasData === true ? this.#client.table : undefined;
  }

  /** It is connected, and has told all. */
  get isSynced(): boolean {
    return this.#client?.isSynced === true;
  }

  get state(): string {
    return this.#client?.state ?? 'standby';
  }

  /** Begins, unless it has. */
  start(): void {
    if (this.#client !== undefined) return;
    const failed = (text: string): void => {
      this.#lastError = text;
      this.#owner.failed(text);
    };
    const changed = (): void => {
      this.changes++;
    };
    this.#client = new RtrClient(this.#owner.key, { changed, failed }, this.config.intervals);
    this.#work();
  }

  /** Ends, and forgets what it has said. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#hangUp();
    this.#client = undefined;
  }

  statusOf(isUsed: boolean): RtrCacheStatus {
    const { name, address, port, preference } = this.config;
    const client = this.#client;
    const expires = client?.expiresAt ?? NEVER;
    return {
      ...{ name, address, port, preference, state: this.state, used: isUsed },
      version: client?.version ?? 1,
      serial: client?.serial ?? 0,
      records: client?.table.size ?? 0,
      ...(expires !== NEVER && { expiresSeconds: Math.max(0, Math.ceil((expires - nowUs()) / 1e6)) }),
      ...(this.#lastError !== undefined && { lastError: this.#lastError }),
    };
  }

  #handle(input: RtrInput): void {
    this.#client?.handle(input, nowUs());
    this.#work();
  }

  #work(): void {
    const client = this.#client;
    if (client === undefined) return;
    while (client.poll(nowUs(), this.#out)) this.#do(this.#out);
    this.#arm(client);
    this.#owner.moved();
  }

  #do({ action, bytes }: RtrOutput): void {
    if (action === 'connect') this.#connect();
    else if (action === 'send') this.#stream?.write(bytes);
    else this.#hangUp();
  }

  #connect(): void {
    const { address, port, localAddress, tcp } = this.config;
    const local = addressOf(localAddress ?? (address.includes(':') ? '::' : '0.0.0.0'));
    try {
      this.#attempt = new TcpAttempt(local, '', addressOf(address, port), tcp, (result) => {
        this.#attempt = undefined;
        if (typeof result !== 'number') {
          this.#lost(result.message);
          return;
        }
        this.#stream = this.#streamOf(result);
        this.#handle({ type: 'connected' });
      });
    } catch (error) {
      const { message } = error as Error;
      // Not from inside the client's own turn.
      setImmediate(() => this.#lost(message));
    }
  }

  #streamOf(descriptor: number): TcpStream {
    return new TcpStream(descriptor, {
      // The client keeps what it needs of them.
      received: (bytes, length) => this.#handle({ type: 'bytes', bytes: bytes.subarray(0, length) }),
      drained: () => {},
      ended: (reason) => {
        this.#stream = undefined;
        this.#lost(reason);
      },
    });
  }

  /** @param reason of the system, for people */
  #lost(reason: string): void {
    this.#handle({ type: 'closed' });
    if (this.#lastError !== undefined) this.#lastError = `${this.#lastError}: ${reason}`;
  }

  #hangUp(): void {
    this.#attempt?.close();
    this.#attempt = undefined;
    this.#stream?.close();
    this.#stream = undefined;
  }

  #arm(client: RtrClient): void {
    clearTimeout(this.#timer);
    const at = client.deadline();
    if (at === NEVER) return;
    const ms = Math.min(MOST_WAIT_MS, Math.max(0, Math.ceil((at - nowUs()) / 1000)));
    this.#timer = setTimeout(() => this.#handle({ type: 'tick' }), ms);
  }
}
