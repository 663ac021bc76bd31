import { randomFillSync } from 'node:crypto';
import { openUdpTunnel, type UdpTunnel, type UdpTunnelSink } from '#protocol/masque/connect-udp.ts';
import { TUNNEL_HEADROOM } from '#protocol/masque/tunnel.ts';
import { defaultUdpTemplate } from '#protocol/masque/uri-template.ts';
import { type Arguments, splitAddress } from './arguments.ts';
import { Dialer } from './endpoint.ts';
import { http3 } from './http3.ts';
import { fail, result } from './lines.ts';
import { QuietSink } from './quiet-sink.ts';
import { OUTER_BYTES } from './tun-pump.ts';

const RESEND_MS = 1000;
const ATTEMPTS = 5;
/** Of the largest datagram; the path takes more. */
const MAX_PAYLOAD_BYTES = 1100;

/** Datagrams of growing size, one at a time, each again until it comes back. */
class Echo {
  readonly #count: number;
  readonly #done: () => void;
  #index = -1;
  #attempts = 0;
  #framed = new Uint8Array(0);
  #timer: NodeJS.Timeout | undefined;

  constructor(count: number, done: () => void) {
    this.#count = count;
    this.#done = done;
  }

  next(tunnel: UdpTunnel): void {
    if (++this.#index === this.#count) {
      this.#done();
      return;
    }
    const bytes = 1 + Math.floor((this.#index * MAX_PAYLOAD_BYTES) / this.#count);
    this.#framed = randomFillSync(new Uint8Array(TUNNEL_HEADROOM + bytes));
    this.#attempts = 0;
    this.#send(tunnel);
  }

  answer(tunnel: UdpTunnel, payload: Uint8Array): void {
    if (Buffer.compare(payload, this.#framed.subarray(TUNNEL_HEADROOM)) !== 0) return;
    clearTimeout(this.#timer);
    this.next(tunnel);
  }

  #send(tunnel: UdpTunnel): void {
    if (++this.#attempts > ATTEMPTS) fail(`datagram ${this.#index} did not come back`);
    tunnel.send(this.#framed, TUNNEL_HEADROOM, this.#framed.length);
    this.#timer = setTimeout(() => this.#send(tunnel), RESEND_MS);
  }
}

/** Sends `--count` datagrams through the proxy to an echo at `--target` and wants each back. */
export const udpClient = (args: Arguments): void => {
  const dialer = new Dialer(args, { initialDatagramBytes: OUTER_BYTES });
  const count = Number(args.count);
  let complete = false;
  const echo = new Echo(count, () => {
    complete = true;
    result({ echoed: count });
    tunnel?.close();
    tunnel?.http.close();
  });
  const tunnelSink: UdpTunnelSink = {
    opened: (opened) => echo.next(opened),
    payload: (from, buffer, start, end) => echo.answer(from, buffer.subarray(start, end)),
    refused: (_tunnel, { status }) => fail(`refused with status ${status}`),
    closed: (_tunnel, { reason }) => {
      if (!complete) fail(`tunnel ended: ${reason}`);
    },
  };
  let tunnel: UdpTunnel | undefined;
  const sink = new QuietSink();
  sink.settings = (http3) => {
    const { host, port } = splitAddress(args.target);
    tunnel = openUdpTunnel(http3, defaultUdpTemplate(args.name), host, port, tunnelSink);
    if (tunnel === undefined) fail('no Extended CONNECT');
  };
  sink.connectionClosed = (_http3, { by, reason }) => {
    if (!complete) fail(`connection closed by ${by}: ${reason}`);
    dialer.close();
  };
  dialer.dial(http3(sink));
};
