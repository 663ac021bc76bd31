import assert from 'node:assert/strict';
import { connect, createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { type GracefulRestart, NO_CAPABILITIES } from '#protocol/bgp/wire/capabilities/definition.ts';
import { Family } from '#protocol/bgp/wire/families.ts';
import { HEADER_BYTES, MAX_MESSAGE_BYTES, MessageType } from '#protocol/bgp/wire/header.ts';
import { writeOpen } from '#protocol/bgp/wire/open.ts';

const LIMIT_MS = 20_000;

export const until = async (what: string, condition: () => boolean | Promise<boolean>): Promise<void> => {
  const end = performance.now() + LIMIT_MS;
  while (!(await condition())) {
    assert.ok(performance.now() < end, `waited in vain: ${what}`);
    await wait(10);
  }
};

/** A message of that type. @param body in hexadecimal, with spaces where they help */
export const message = (type: number, body: string): Buffer => {
  const bytes = Buffer.from(body.replaceAll(' ', ''), 'hex');
  const header = Buffer.alloc(HEADER_BYTES, 0xff);
  header.writeUInt16BE(HEADER_BYTES + bytes.length, 16);
  header[18] = type;
  return Buffer.concat([header, bytes]);
};

const counted = (text: string): string => (text.replaceAll(' ', '').length / 2).toString(16).padStart(4, '0') + text;

/** An UPDATE of hexadecimal parts. */
export const updateOf = (attributes: string, nlri = '', withdrawn = ''): Buffer =>
  message(MessageType.update, counted(withdrawn) + counted(attributes) + nlri);

export const KEEPALIVE = message(MessageType.keepalive, '');
export const REFRESH = message(MessageType.routeRefresh, '0001 00 01');

const written = (write: (buffer: Uint8Array) => number): Buffer => {
  const buffer = new Uint8Array(MAX_MESSAGE_BYTES);
  return Buffer.from(buffer.subarray(0, write(buffer)));
};

export interface RawSettings {
  readonly as: number;
  readonly holdTimeS?: number;
  readonly extendedMessages?: boolean;
  /** It keeps forwarding IPv4 while it restarts (RFC 4724). */
  readonly restarts?: boolean;
}

/** It could be back within 100 s. */
const RESTARTER: GracefulRestart = {
  ...{ isRestarting: false, hasNotification: true, restartTimeS: 100 },
  families: [{ family: Family.ipv4Unicast, isForwarding: true }],
};

/** An OPEN of somebody with IPv4 alone. */
export const openOf = ({ as, holdTimeS = 90, extendedMessages = false, restarts = false }: RawSettings): Buffer =>
  written((buffer) =>
    writeOpen(buffer, 0, {
      ...{ as, identifier: as, holdTimeS },
      capabilities: {
        ...NO_CAPABILITIES,
        ...{ families: [Family.ipv4Unicast], fourOctetAs: as, routeRefresh: true, extendedMessages },
        gracefulRestart: restarts ? RESTARTER : undefined,
      },
    }),
  );

const peers: RawPeer[] = [];

/** Closes all that there are. */
export const closePeers = (): void => {
  for (const peer of peers.splice(0)) peer.close();
};

/** A TCP connection that says what it is told to, and keeps what it hears. */
export class RawPeer {
  readonly socket: Socket;
  /** Types and bodies of the messages that came. */
  readonly heard: { readonly type: number; readonly body: Buffer }[] = [];
  isClosed = false;
  #rest = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.socket = socket;
    peers.push(this);
    socket.on('data', (bytes) => this.#take(bytes as Buffer));
    socket.on('error', () => {});
    // It does not close its own side for that.
    for (const event of ['close', 'end'])
      socket.on(event, () => {
        this.isClosed = true;
      });
  }

  /** @param from address of ours */
  static async at(port: number, from: string): Promise<RawPeer> {
    const peer = new RawPeer(
      connect({ port, host: '127.0.0.1', localAddress: from, noDelay: true, allowHalfOpen: true }),
    );
    await until('a TCP connection', () => peer.isClosed || !peer.socket.connecting);
    return peer;
  }

  /** With a session. */
  static async established(port: number, from: string, settings: RawSettings): Promise<RawPeer> {
    const peer = await RawPeer.at(port, from);
    await peer.comeUp(settings);
    return peer;
  }

  /** Waits at an address for the one connection that is made to it. @returns its port, and who has been connected to */
  static async waiting(t: TestContext, address: string): Promise<{ port: number; peer: Promise<RawPeer> }> {
    const server = createServer({ allowHalfOpen: true });
    const peer = new Promise<RawPeer>((resolve) => server.once('connection', (socket) => resolve(new RawPeer(socket))));
    await new Promise<void>((resolve) => server.listen(0, address, resolve));
    // Who comes later is refused.
    const { port } = server.address() as { readonly port: number };
    void peer.then(() => server.close());
    t.after(() => server.close());
    return { port, peer };
  }

  /** Says what makes a session. */
  async comeUp(settings: RawSettings): Promise<void> {
    this.say(openOf(settings));
    await until('an OPEN', () => this.count(MessageType.open) > 0);
    this.say(KEEPALIVE);
    await until('a KEEPALIVE', () => this.count(MessageType.keepalive) > 0);
  }

  say(...messages: readonly Uint8Array[]): void {
    this.socket.write(Buffer.concat(messages));
  }

  count(type: number): number {
    return this.heard.filter((one) => one.type === type).length;
  }

  /** Code and subcode of the NOTIFICATION that came, as `3/1`; undefined: none did. */
  get notification(): string | undefined {
    const found = this.heard.find(({ type }) => type === MessageType.notification);
    return found && `${found.body[0]}/${found.body[1]}`;
  }

  /** Bodies of the UPDATEs that came, in hexadecimal. */
  get updates(): string[] {
    return this.heard.filter(({ type }) => type === MessageType.update).map(({ body }) => body.toString('hex'));
  }

  close(): void {
    this.socket.resetAndDestroy();
  }

  #take(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    while (this.#rest.length >= HEADER_BYTES) {
      const length = this.#rest.readUInt16BE(16);
      if (this.#rest.length < length) return;
      const body = Buffer.from(this.#rest.subarray(HEADER_BYTES, length));
      this.heard.push({ type: this.#rest[18] as number, body });
      this.#rest = this.#rest.subarray(length);
    }
  }
}
