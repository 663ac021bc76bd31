import { ConnectFailure } from '../failure.ts';
import type { DialTarget, Link, LinkSink } from '../link.ts';
import type { ServerAddress } from '../server-address.ts';
import { Session } from '../session.ts';
import type { SessionEvent, SessionOptions } from '../session-ports.ts';
import type { TokenSource } from '../token-source.ts';

/** A link that does what a test says. */
export class FakeLink implements Link {
  readonly label: string;
  readonly target: DialTarget;
  readonly sink: LinkSink;
  readonly tokens: string[] = [];
  received = 0;
  probes = 0;
  local: string | undefined;
  isClosed = false;

  constructor(target: DialTarget, sink: LinkSink) {
    this.target = target;
    this.sink = sink;
    this.label = `${target.address}:${target.server.port}`;
  }

  openTunnel(token: string): void {
    this.tokens.push(token);
  }

  packetsReceived(): number {
    return this.received;
  }

  probeTimeouts(): number {
    return this.probes;
  }

  localAddress(): string | undefined {
    return this.local;
  }

  close(): void {
    this.isClosed = true;
  }
}

interface Timer {
  readonly atUs: number;
  readonly callback: () => void;
}

/** Everything that was promised has happened. */
export const settle = async (): Promise<void> => {
  for (let i = 0; i < 3; i++) await new Promise(setImmediate);
};

export const server = (host: string): ServerAddress => ({ host, port: 443, authority: host });

/** A JWT that nobody signed. */
export const jwt = (issuedAt: number, expiresAt: number, id = ''): string =>
  ['{}', JSON.stringify({ iat: issuedAt, exp: expiresAt, id }), 'x']
    .map((part) => Buffer.from(part).toString('base64url'))
    .join('.');

export interface VirtualOptions extends Partial<SessionOptions> {
  readonly names?: Readonly<Record<string, readonly string[]>>;
  /** What happens when a link is dialled; nothing by default. */
  readonly onDial?: (link: FakeLink) => void;
}

/** A session over fake links in virtual time. */
export class VirtualWorld {
  nowUs = 1_000_000;
  readonly links: FakeLink[] = [];
  readonly events: SessionEvent[] = [];
  readonly states: string[] = [];
  readonly session: Session<FakeLink>;
  ended: ConnectFailure | undefined | 'running' = 'running';
  names: Record<string, readonly string[]>;
  onDial: (link: FakeLink) => void;
  readonly #timers = new Set<Timer>();

  constructor(options: VirtualOptions = {}) {
    this.names = { 'edge.test': ['192.0.2.1'], ...options.names };
    this.onDial = options.onDial ?? (() => {});
    // Most tests are of one carrier; what `auto` does has tests of its own.
    const carrier = options.carrier ?? 'quic';
    const tokens: TokenSource = options.tokens ?? { token: async () => 'token' };
    this.session = new Session<FakeLink>(
      { servers: options.servers ?? [server('edge.test')], tokens, tunnel: options.tunnel ?? true, carrier },
      {
        resolve: async (host) => this.#resolve(host),
        dial: (target, sink) => {
          const link = new FakeLink(target, sink);
          this.links.push(link);
          this.after(0, () => this.onDial(link));
          return link;
        },
        nowUs: () => this.nowUs,
        after: (us, callback) => this.after(us, callback),
        random: () => 1,
        wallMs: () => this.nowUs / 1000,
      },
      {
        event: (event) => this.events.push(event),
        up: (link) => this.states.push(`up ${link.label}`),
        down: () => this.states.push('down'),
      },
    );
  }

  async start(): Promise<void> {
    void this.session.run().then((failure) => {
      this.ended = failure;
    });
    await settle();
  }

  get last(): FakeLink {
    return this.links.at(-1) as FakeLink;
  }

  after(us: number, callback: () => void): () => void {
    const timer = { atUs: this.nowUs + us, callback };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** Lets time pass; whatever is due happens when it is due. */
  async pass(us: number): Promise<void> {
    const end = this.nowUs + us;
    for (;;) {
      await settle();
      const [first] = [...this.#timers].filter(({ atUs }) => atUs <= end).sort((a, b) => a.atUs - b.atUs);
      if (first === undefined) break;
      this.#timers.delete(first);
      this.nowUs = first.atUs;
      first.callback();
    }
    this.nowUs = end;
  }

  /** Timers that wait: nothing may be left at the end. */
  get pending(): number {
    return this.#timers.size;
  }

  #resolve(host: string): readonly string[] {
    const found = this.names[host];
    if (found === undefined) throw new ConnectFailure(`nobody knows ${host}`, 'fatal-at-first');
    return found;
  }
}

/** The edge answers as it should. */
export const obliging = (link: FakeLink): void => {
  link.sink.ready(link.target.ticket !== undefined);
  const ask = link.openTunnel.bind(link);
  link.openTunnel = (token) => {
    ask(token);
    link.sink.opened();
  };
};
