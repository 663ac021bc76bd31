import type { Random } from '../../contract.ts';
import {
  CipherSuite,
  type EarlyData,
  Level,
  type TlsClientOptions,
  type TlsEvent,
  type TlsPort,
  type TlsServerOptions,
  type TlsSession,
} from '../ports.ts';
import { mix } from './mix.ts';
import { clientHello, fields, helloFields, Message, MessageReader, message } from './tls-messages.ts';

export interface TestTlsOptions {
  readonly random: Random;
  /** What a server chooses from, in its order of preference. */
  readonly alpn?: readonly string[];
  /** Size of a server's certificate, in bytes: what makes its first flight long. */
  readonly certificateBytes?: number;
  /** A server takes early data of resumed sessions. */
  readonly acceptEarlyData?: boolean;
  /** Servers that share it accept each other's tickets. */
  readonly ticketKey?: Uint8Array;
}

/**
 * A handshake with the levels, the order of secrets and the messages of TLS 1.3 (RFC 9001 §4) and without its
 * cryptography: repeatable, for tests and the simulator.
 */
export const testTlsPort = (options: TestTlsOptions): TlsPort => {
  const contexts = new Map<string, Uint8Array>();
  return {
    client: (client) => new TestClient(options, client),
    server: (server) => new TestServer(options, server, contexts),
  };
};

const SUITE = CipherSuite.aes128Gcm;
const ALERT = { unexpectedMessage: 10, decodeError: 50, noApplicationProtocol: 120 } as const;

const encode = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));
const decode = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

abstract class TestSession implements TlsSession {
  protected readonly events: TlsEvent[] = [];
  protected clientRandom: Uint8Array = new Uint8Array(16);
  protected master: Uint8Array = new Uint8Array(16);
  protected complete = false;
  #dead = false;
  readonly #readers: (MessageReader | undefined)[] = [];

  receive(level: Level, data: Uint8Array): void {
    if (this.#dead) return;
    this.#readers[level] ??= new MessageReader();
    const reader = this.#readers[level];
    if (!reader.push(data)) {
      this.alert(ALERT.decodeError, 'message too long');
      return;
    }
    for (let next = reader.next(); next !== undefined && !this.#dead; next = reader.next()) {
      this.onMessage(level, next.type, next.body);
    }
  }

  next(): TlsEvent | undefined {
    return this.events.shift();
  }

  exporter(label: string, context: Uint8Array, length: number): Uint8Array {
    const out = new Uint8Array(length);
    for (let at = 0; at < length; at += 16)
      out.set(mix('export', this.master, label, context, at).subarray(0, length - at), at);
    return out;
  }

  giveTicket(_context: Uint8Array): void {}

  release(): void {
    this.#dead = true;
  }

  close(): void {
    this.#dead = true;
  }

  protected abstract onMessage(level: Level, type: number, body: Uint8Array): void;

  protected alert(code: number, reason: string): void {
    this.#dead = true;
    this.events.push({ type: 'alert', code, reason });
  }

  protected send(level: Level, type: number, ...parts: Uint8Array[]): void {
    this.events.push({ type: 'crypto', level, data: message(type, parts) });
  }

  protected secret(level: Level, direction: 'read' | 'write', label: string): void {
    this.events.push({ type: 'secret', level, direction, suite: SUITE, secret: mix(label, this.master) });
  }
}

class TestClient extends TestSession {
  readonly #options: TlsClientOptions;
  #earlyData: EarlyData = 'none';
  #state: 'hello' | 'finished' | 'done' = 'hello';

  constructor(port: TestTlsOptions, options: TlsClientOptions) {
    super();
    this.#options = options;
    port.random.fill(this.clientRandom);
    const ticket = options.ticket ?? new Uint8Array();
    const early = options.earlyData === true && ticket.length === 32;
    const hello = clientHello(options.transportParameters, [
      this.clientRandom,
      encode(options.serverName),
      encode(options.alpn.join('\n')),
      options.transportParameters,
      ticket.subarray(0, 16),
      Uint8Array.of(early ? 1 : 0),
    ]);
    this.events.push({ type: 'crypto', level: Level.initial, data: hello });
    if (!early) return;
    this.#earlyData = 'rejected';
    const secret = mix('early', ticket.subarray(16), this.clientRandom);
    this.events.push({ type: 'secret', level: Level.earlyData, direction: 'write', suite: SUITE, secret });
  }

  protected override onMessage(level: Level, type: number, body: Uint8Array): void {
    const parts = fields(body);
    if (this.#state === 'hello' && level === Level.initial && type === Message.serverHello && parts.length === 1) {
      this.master = mix('master', this.clientRandom, parts[0] as Uint8Array);
      this.secret(Level.handshake, 'read', 's hs');
      this.secret(Level.handshake, 'write', 'c hs');
      this.#state = 'finished';
    } else if (
      this.#state === 'finished' &&
      level === Level.handshake &&
      type === Message.finished &&
      parts.length === 4
    ) {
      this.#finish(parts as [Uint8Array, Uint8Array, Uint8Array, Uint8Array]);
    } else if (this.#state === 'done' && level === Level.oneRtt && type === Message.ticket && parts.length === 1) {
      this.events.push({ type: 'ticket', data: (parts[0] as Uint8Array).slice() });
    } else this.alert(ALERT.unexpectedMessage, 'unexpected message');
  }

  #finish([alpn, parameters, certificate, flags]: [Uint8Array, Uint8Array, Uint8Array, Uint8Array]): void {
    if (!this.#options.alpn.includes(decode(alpn))) {
      this.alert(ALERT.noApplicationProtocol, 'no application protocol');
      return;
    }
    const flag = flags[0] ?? 0;
    if (this.#earlyData === 'rejected' && flag & 2) this.#earlyData = 'accepted';
    this.events.push({ type: 'transport-parameters', data: parameters.slice() });
    this.secret(Level.oneRtt, 'read', 's ap');
    this.send(Level.handshake, Message.finished, mix('finished', this.master));
    this.secret(Level.oneRtt, 'write', 'c ap');
    this.#state = 'done';
    this.events.push({
      type: 'complete',
      alpn: decode(alpn),
      resumed: (flag & 1) !== 0,
      earlyData: this.#earlyData,
      peerCertificate: certificate.slice(),
    });
  }
}

class TestServer extends TestSession {
  readonly #port: TestTlsOptions;
  readonly #options: TlsServerOptions;
  readonly #ticketKey: Uint8Array;
  #alpn = '';
  #resumed = false;
  #earlyData: EarlyData = 'none';
  #state: 'hello' | 'finished' | 'done' = 'hello';

  #ticketContext: Uint8Array | undefined;

  /** What tickets were given with, by their first half. */
  readonly #contexts: Map<string, Uint8Array>;

  constructor(port: TestTlsOptions, options: TlsServerOptions, contexts: Map<string, Uint8Array>) {
    super();
    this.#port = port;
    this.#contexts = contexts;
    this.#options = options;
    this.#ticketKey = port.ticketKey ?? new Uint8Array(16);
  }

  protected override onMessage(level: Level, type: number, body: Uint8Array): void {
    const parts = type === Message.clientHello ? helloFields(body) : fields(body);
    if (this.#state === 'hello' && level === Level.initial && type === Message.clientHello && parts.length === 6) {
      this.#hello(parts);
    } else if (this.#state === 'finished' && level === Level.handshake && type === Message.finished) {
      this.#finish();
    } else this.alert(ALERT.unexpectedMessage, 'unexpected message');
  }

  #hello(parts: readonly Uint8Array[]): void {
    const [clientRandom, , alpn, parameters, ticket, early] = parts as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];
    const offered = decode(alpn).split('\n');
    const chosen = (this.#port.alpn ?? offered).find((name) => offered.includes(name));
    if (chosen === undefined) {
      this.alert(ALERT.noApplicationProtocol, 'no application protocol');
      return;
    }
    this.#alpn = chosen;
    this.clientRandom = clientRandom.slice();
    const serverRandom = new Uint8Array(16);
    this.#port.random.fill(serverRandom);
    this.master = mix('master', this.clientRandom, serverRandom);
    this.events.push({ type: 'transport-parameters', data: parameters.slice() });
    this.#resume(ticket, early[0] === 1);
    this.send(Level.initial, Message.serverHello, serverRandom);
    this.secret(Level.handshake, 'write', 's hs');
    this.secret(Level.handshake, 'read', 'c hs');
    const certificate = new Uint8Array(this.#resumed ? 0 : (this.#port.certificateBytes ?? 900));
    const flags = Uint8Array.of((this.#resumed ? 1 : 0) | (this.#earlyData === 'accepted' ? 2 : 0));
    this.send(Level.handshake, Message.finished, encode(chosen), this.#options.transportParameters, certificate, flags);
    this.secret(Level.oneRtt, 'write', 's ap');
    this.#state = 'finished';
  }

  #resume(ticket: Uint8Array, early: boolean): void {
    if (ticket.length !== 16) return;
    const context = this.#contexts.get(ticket.join());
    const own = this.#options.early;
    if (context !== undefined && own?.context.subarray(0, own.scope).some((byte, i) => byte !== context[i])) return;
    this.#resumed = true;
    this.#ticketContext = context;
    if (!early) return;
    const bears = context === undefined || this.#options.early?.bears(context) !== false;
    this.#earlyData = this.#port.acceptEarlyData === true && bears ? 'accepted' : 'rejected';
    if (this.#earlyData === 'rejected') return;
    const secret = mix('early', mix(this.#ticketKey, ticket), this.clientRandom);
    this.events.push({ type: 'secret', level: Level.earlyData, direction: 'read', suite: SUITE, secret });
  }

  #finish(): void {
    this.#state = 'done';
    this.secret(Level.oneRtt, 'read', 'c ap');
    this.events.push({
      type: 'complete',
      alpn: this.#alpn,
      resumed: this.#resumed,
      earlyData: this.#earlyData,
      peerCertificate: undefined,
      ticketContext: this.#ticketContext,
    });
    this.giveTicket(this.#options.early?.context);
  }

  override giveTicket(context: Uint8Array | undefined): void {
    const ticket = new Uint8Array(32);
    this.#port.random.fill(ticket.subarray(0, 16));
    ticket.set(mix(this.#ticketKey, ticket.subarray(0, 16)), 16);
    if (context !== undefined) this.#contexts.set(ticket.slice(0, 16).join(), context);
    this.send(Level.oneRtt, Message.ticket, ticket);
  }
}
