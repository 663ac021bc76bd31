import type { Http3Sink } from '#protocol/http3/api.ts';
import type { Http3Connection } from '#protocol/http3/connection.ts';
import type { HttpConnection } from '#protocol/http3/http-connection.ts';
import type { RequestHead } from '#protocol/http3/message.ts';
import { acceptIpRequest, type IpProxySink } from '#protocol/masque/connect-ip.ts';
import { acceptTcpRequest, type TcpProxySink } from '#protocol/masque/connect-tcp.ts';
import { acceptUdpRequest, type UdpProxySink } from '#protocol/masque/connect-udp.ts';
import { defaultIpTemplate, defaultUdpTemplate } from '#protocol/masque/uri-template.ts';
import type { CloseInfo, HandshakeInfo } from '#protocol/quic/api.ts';

/** Who is told of the connections themselves. */
export interface ConnectionEvents {
  handshakeComplete(http3: Http3Connection, info: HandshakeInfo): void;
  connectionClosed(http3: Http3Connection, info: CloseInfo): void;
}

export interface EdgeHandlers {
  readonly ip: IpProxySink;
  readonly udp: UdpProxySink;
  readonly tcp: TcpProxySink;
  readonly connections?: ConnectionEvents;
}

/** What an edge answers over HTTP/3: tunnels of all three kinds, and 404 for the rest. One for all connections. */
export class EdgeRequests implements Http3Sink {
  /** Requests by what they ask for. */
  readonly counters = { ip: 0, udp: 0, tcp: 0, other: 0 };
  readonly #handlers: EdgeHandlers;
  // Requests are matched by their path; the authority is whatever name the client knows the edge by.
  readonly #ip = defaultIpTemplate('edge');
  readonly #udp = defaultUdpTemplate('edge');

  constructor(handlers: EdgeHandlers) {
    this.#handlers = handlers;
  }

  request(http: HttpConnection, stream: number, head: RequestHead): void {
    const { ip, udp, tcp } = this.#handlers;
    if (acceptIpRequest(http, stream, head, this.#ip, ip)) this.counters.ip++;
    else if (acceptUdpRequest(http, stream, head, this.#udp, udp)) this.counters.udp++;
    else if (acceptTcpRequest(http, stream, head, tcp)) this.counters.tcp++;
    else this.#refuse(http, stream, head);
  }

  #refuse(http: HttpConnection, stream: number, head: RequestHead): void {
    this.counters.other++;
    http.respond(stream, [{ name: ':status', value: head.protocol === undefined ? '404' : '501' }], true);
  }

  /** Content of a request that is not for us. */
  body(http: HttpConnection, stream: number, _buffer: Uint8Array, start: number, end: number): void {
    http.consume(stream, end - start);
  }

  drained(http3: Http3Connection): void {
    http3.close();
  }

  handshakeComplete(http3: Http3Connection, info: HandshakeInfo): void {
    this.#handlers.connections?.handshakeComplete(http3, info);
  }

  connectionClosed(http3: Http3Connection, info: CloseInfo): void {
    this.#handlers.connections?.connectionClosed(http3, info);
  }

  // What happens on the streams of tunnels goes to the tunnels; the rest needs no action here.
  handshakeConfirmed(): void {}
  settings(): void {}
  goaway(): void {}
  streamsAvailable(): void {}
  datagramWritable(): void {}
  ticket(): void {}
  response(): void {}
  trailers(): void {}
  end(): void {}
  aborted(): void {}
  stopSending(): void {}
  datagram(): void {}
  writable(): void {}
  closed(): void {}
}
