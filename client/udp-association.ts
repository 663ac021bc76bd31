import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import type { Socket } from 'node:net';
import type { ResponseHead } from '#protocol/http3/message.ts';
import { openUdpTunnel, type UdpTunnel, type UdpTunnelSink } from '#protocol/masque/connect-udp.ts';
import { parseTarget } from '#protocol/masque/target.ts';
import { TUNNEL_HEADROOM } from '#protocol/masque/tunnel.ts';
import { defaultUdpTemplate } from '#protocol/masque/uri-template.ts';
import { formatHostPort, type HostPort } from './listen.ts';
import type { TunnelSource } from './local-services.ts';
import { refusalOf } from './refusal.ts';
import { encodeUdpHeader, parseUdp } from './socks5-messages.ts';

/** Targets that one association talks to at once; a further one takes the place of the one that was silent longest. */
const MAX_FLOWS = 64;
/** As long as a NAT would keep it (RFC 4787 REQ-5). */
const IDLE_MS = 120_000;
const CHECK_MS = 10_000;
/** Payloads that wait for a tunnel to open. */
const MAX_HELD = 16;

/** Datagrams to and from one target: one CONNECT-UDP tunnel (RFC 9298). */
class Flow implements UdpTunnelSink {
  readonly header: Uint8Array;
  readonly #deliver: (header: Uint8Array, payload: Uint8Array) => void;
  readonly #over: () => void;
  readonly #source: TunnelSource;
  #tunnel: UdpTunnel | undefined;
  #token = '';
  #held: Uint8Array[] | undefined = [];
  lastMs = performance.now();

  constructor(target: HostPort, source: TunnelSource, deliver: Flow['deliver'], over: () => void) {
    this.header = encodeUdpHeader(target);
    this.#deliver = deliver;
    this.#over = over;
    this.#source = source;
    const access = source.current();
    if (access === undefined) return;
    this.#token = access.token;
    const fields = [{ name: 'proxy-authorization', value: `Bearer ${access.token}` }];
    const template = defaultUdpTemplate(access.authority);
    this.#tunnel = openUdpTunnel(access.http, template, target.host, target.port, this, fields);
  }

  get deliver(): (header: Uint8Array, payload: Uint8Array) => void {
    return this.#deliver;
  }

  /** False when there was no connection to open it on. */
  get isOpen(): boolean {
    return this.#tunnel !== undefined;
  }

  /** @param buffer the payload behind `TUNNEL_HEADROOM` bytes; kept */
  send(buffer: Uint8Array): void {
    this.lastMs = performance.now();
    // The edge drops what comes before it has agreed.
    if (this.#held === undefined) this.#tunnel?.send(buffer, TUNNEL_HEADROOM, buffer.length);
    else if (this.#held.length < MAX_HELD) this.#held.push(buffer);
  }

  close(): void {
    const tunnel = this.#tunnel;
    this.#tunnel = undefined;
    tunnel?.close();
  }

  payload(_tunnel: UdpTunnel, buffer: Uint8Array, start: number, end: number): void {
    this.lastMs = performance.now();
    this.#deliver(this.header, buffer.slice(start, end));
  }

  opened(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const buffer of held) this.#tunnel?.send(buffer, TUNNEL_HEADROOM, buffer.length);
  }

  refused(_tunnel: UdpTunnel, head: ResponseHead): void {
    const { status, detail } = refusalOf(head);
    if (status === 401) this.#source.tokenRefused(this.#token, detail);
  }

  closed(): void {
    if (this.#tunnel === undefined) return;
    this.#tunnel = undefined;
    this.#over();
  }
}

/** UDP ASSOCIATE (RFC 1928 §7): a socket of this machine whose datagrams go through the edge, one tunnel a target. */
export class UdpAssociation {
  readonly #socket: UdpSocket;
  readonly #source: TunnelSource;
  /** The program's address; only it may use the association. */
  readonly #client: string;
  readonly #flows = new Map<string, Flow>();
  readonly #timer: NodeJS.Timeout;
  #port: number | undefined;
  #closed = false;

  /** @param control the connection that asked @param bound told where datagrams are to be sent; undefined: it failed */
  constructor(control: Socket, source: TunnelSource, bound: (address: HostPort | undefined) => void) {
    this.#source = source;
    this.#client = control.remoteAddress ?? '';
    const host = control.localAddress ?? '127.0.0.1';
    this.#socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    this.#socket.on('message', (message, from) => this.#fromProgram(message, from.address, from.port));
    this.#socket.on('error', () => {
      bound(undefined);
      this.close();
    });
    this.#socket.bind(0, host, () => bound({ host, port: this.#socket.address().port }));
    this.#timer = setInterval(() => this.#expire(), CHECK_MS);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    for (const flow of this.#flows.values()) flow.close();
    this.#flows.clear();
    this.#socket.close();
  }

  #fromProgram(message: Buffer, address: string, port: number): void {
    if (address !== this.#client) return;
    const parsed = parseUdp(message);
    if (parsed === undefined) return;
    const { target, payloadAt } = parsed;
    if (parseTarget(target.host, String(target.port)) === undefined) return;
    this.#port = port;
    const payload = message.subarray(payloadAt);
    const buffer = new Uint8Array(TUNNEL_HEADROOM + payload.length);
    buffer.set(payload, TUNNEL_HEADROOM);
    this.#flow(target)?.send(buffer);
  }

  #flow(target: HostPort): Flow | undefined {
    const key = formatHostPort(target);
    const known = this.#flows.get(key);
    if (known !== undefined) return known;
    if (this.#flows.size >= MAX_FLOWS) this.#dropOldest();
    const flow: Flow = new Flow(
      target,
      this.#source,
      (header, payload) => this.#toProgram(header, payload),
      () => this.#flows.get(key) === flow && this.#flows.delete(key),
    );
    if (!flow.isOpen) return undefined;
    this.#flows.set(key, flow);
    return flow;
  }

  #toProgram(header: Uint8Array, payload: Uint8Array): void {
    if (this.#closed || this.#port === undefined) return;
    this.#socket.send([header, payload], this.#port, this.#client, () => {});
  }

  #dropOldest(): void {
    const [first] = [...this.#flows].sort(([, a], [, b]) => a.lastMs - b.lastMs);
    if (first !== undefined) this.#drop(first[0], first[1]);
  }

  #expire(): void {
    const before = performance.now() - IDLE_MS;
    for (const [key, flow] of [...this.#flows]) if (flow.lastMs < before) this.#drop(key, flow);
  }

  #drop(key: string, flow: Flow): void {
    this.#flows.delete(key);
    flow.close();
  }
}
