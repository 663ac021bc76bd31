import type { Socket } from 'node:net';
import { parseTarget } from '#protocol/masque/target.ts';
import { type HostPort, listen } from './listen.ts';
import type { LocalCredentials, LocalService, TunnelSource } from './local-services.ts';
import { ProgramConnection } from './program-connection.ts';
import type { EdgeRefusal } from './refusal.ts';
import { sameSecret } from './same-secret.ts';
import {
  Command,
  encodeReply,
  type Incomplete,
  Method,
  parseGreeting,
  parsePassword,
  parseRequest,
  passwordReply,
  Reply,
  SOCKS_VERSION,
} from './socks5-messages.ts';
import { UdpAssociation } from './udp-association.ts';

const REPLIES: Readonly<Record<string, Reply>> = {
  http_request_denied: Reply.notAllowed,
  destination_ip_prohibited: Reply.notAllowed,
  destination_ip_unroutable: Reply.networkUnreachable,
  dns_error: Reply.hostUnreachable,
  dns_timeout: Reply.hostUnreachable,
  destination_not_found: Reply.hostUnreachable,
  connection_timeout: Reply.hostUnreachable,
  connection_refused: Reply.connectionRefused,
};

export const replyFor = ({ error }: EdgeRefusal): Reply => REPLIES[error ?? ''] ?? Reply.generalFailure;

type Phase = 'greeting' | 'password' | 'request';

/** One connection of a program that speaks SOCKS 5 (RFC 1928, RFC 1929). */
class SocksConnection {
  readonly #socket: Socket;
  readonly #source: TunnelSource;
  readonly #credentials: LocalCredentials | undefined;
  readonly #program: ProgramConnection;
  #phase: Phase = 'greeting';

  constructor(socket: Socket, source: TunnelSource, credentials: LocalCredentials | undefined) {
    this.#socket = socket;
    this.#source = source;
    this.#credentials = credentials;
    this.#program = new ProgramConnection(socket, () => this.#take());
  }

  #take(): void {
    while (!this.#program.isOver) {
      const taken = this.#step();
      if (taken === 'more') return;
      if (taken === 'bad') {
        this.#socket.destroy();
        return;
      }
    }
  }

  /** One message. @returns how many bytes it took */
  #step(): number | Incomplete {
    if (this.#phase === 'greeting') return this.#greeting();
    return this.#phase === 'password' ? this.#password() : this.#request();
  }

  #consume(bytes: number): number {
    this.#program.consume(bytes);
    return bytes;
  }

  #greeting(): number | Incomplete {
    const greeting = parseGreeting(this.#program.bytes);
    if (typeof greeting === 'string') return greeting;
    const method = this.#credentials === undefined ? Method.none : Method.password;
    if (!greeting.methods.includes(method)) {
      this.#program.refuse(Uint8Array.of(SOCKS_VERSION, Method.noneAcceptable));
      return greeting.bytes;
    }
    this.#socket.write(Uint8Array.of(SOCKS_VERSION, method));
    this.#phase = method === Method.none ? 'request' : 'password';
    return this.#consume(greeting.bytes);
  }

  #password(): number | Incomplete {
    const given = parsePassword(this.#program.bytes);
    if (typeof given === 'string') return given;
    const { user, password } = this.#credentials as LocalCredentials;
    // Both are compared, so that time tells nothing about which was wrong.
    const right = [sameSecret(given.user, user), sameSecret(given.password, password)].every(Boolean);
    if (right) {
      this.#socket.write(passwordReply(true));
      this.#phase = 'request';
    } else this.#program.refuse(passwordReply(false));
    return this.#consume(given.bytes);
  }

  #request(): number | Incomplete {
    const request = parseRequest(this.#program.bytes);
    if (request === 'more') return request;
    if (request === 'bad') {
      // RFC 1928 §6: what is complete and not understood gets an answer.
      this.#program.refuse(encodeReply(Reply.addressTypeNotSupported));
      return this.#program.bytes.length;
    }
    this.#consume(request.bytes);
    this.#program.complete();
    if (request.command === Command.connect) this.#connect(request.target);
    else if (request.command === Command.udpAssociate) this.#associate();
    else this.#program.refuse(encodeReply(Reply.commandNotSupported));
    return request.bytes;
  }

  #connect(target: HostPort): void {
    if (parseTarget(target.host, String(target.port)) === undefined) {
      this.#program.refuse(encodeReply(Reply.hostUnreachable));
      return;
    }
    this.#program.splice(target, this.#source, {
      opened: () => this.#socket.write(encodeReply(Reply.succeeded)),
      refused: (refusal) => this.#program.refuse(encodeReply(replyFor(refusal))),
    });
  }

  #associate(): void {
    const socket = this.#socket;
    const association = new UdpAssociation(socket, this.#source, (bound) => {
      if (bound === undefined) this.#program.refuse(encodeReply(Reply.generalFailure));
      else socket.write(encodeReply(Reply.succeeded, bound));
    });
    // RFC 1928 §7: it ends with this connection, on which nothing more is said.
    socket.on('data', () => {});
    socket.on('end', () => socket.destroy());
    socket.on('close', () => association.close());
    socket.resume();
  }
}

/** SOCKS 5 for programs on this machine: CONNECT and UDP ASSOCIATE go through the edge. */
export const openSocks = (
  at: HostPort,
  source: TunnelSource,
  credentials: LocalCredentials | undefined,
): Promise<LocalService> =>
  listen(at, 'socks', 'SOCKS5', (socket) => {
    new SocksConnection(socket, source, credentials);
  });
