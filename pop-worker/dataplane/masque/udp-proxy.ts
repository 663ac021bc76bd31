import { addressOf } from '#host/udp/address.ts';
import { UdpSocket } from '#host/udp/socket.ts';
import { sameAddress } from '#protocol/address.ts';
import { Burst, D_LENGTH, D_OFFSET, D_REMOTE, DESCRIPTOR_WORDS } from '#protocol/burst.ts';
import { Http3ErrorCode } from '#protocol/http3/errors.ts';
import type { RequestHead } from '#protocol/http3/message.ts';
import { formatIpAddress } from '#protocol/ip/text.ts';
import type { UdpProxySink, UdpTunnel } from '#protocol/masque/connect-udp.ts';
import type { Target } from '#protocol/masque/target.ts';
import type { LiveTunnel, TunnelHolder } from '../endings.ts';
import type { Faults } from '../faults.ts';
import { HEADROOM } from '../forward/session.ts';
import type { Granted, Targets } from './targets.ts';

/** RFC 9298 §3.1: an idle mapping is kept at least this long, as a NAT would (RFC 4787 REQ-5). */
const IDLE_MS = 120_000;
const NO_ADDRESS = new Int32Array(6);
const SLOT_BYTES = 2048;
/** What the kernel says when it has no descriptor or no memory for one more socket. */
const LIMITS: ReadonlySet<string | undefined> = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM']);

interface Flow extends LiveTunnel {
  readonly socket: UdpSocket;
  readonly remote: Int32Array;
  readonly release: () => void;
  lastMs: number;
}

/** UDP sockets on behalf of devices (RFC 9298), one for each tunnel. */
export class UdpProxy implements UdpProxySink, TunnelHolder {
  readonly #targets: Targets;
  readonly #proxyName: string;
  readonly #nowMs: () => number;
  readonly #faults: Faults;
  readonly #flows = new Map<UdpTunnel, Flow>();
  readonly #receive = new Burst(HEADROOM + 32 * SLOT_BYTES, 32);
  readonly #send = new Burst(65_536, 1);
  /** Datagrams from elsewhere than the target, and those that did not fit into the tunnel. */
  readonly dropped = { foreign: 0, tooLarge: 0, notSent: 0 };
  /** Sockets that could not be opened: the machine has no room for more, or something else is wrong with it. */
  readonly unopened = { limit: 0, internal: 0 };

  constructor(targets: Targets, proxyName: string, nowMs: () => number, faults: Faults) {
    this.#targets = targets;
    this.#proxyName = proxyName;
    this.#nowMs = nowMs;
    this.#faults = faults;
  }

  get size(): number {
    return this.#flows.size;
  }

  udpWanted(tunnel: UdpTunnel, target: Target, head: RequestHead): void {
    this.#faults.settle(
      this.#targets.grant(target, head, tunnel.http),
      (granted) => {
        if ('error' in granted) tunnel.refuse(this.#proxyName, granted);
        else if (tunnel.state === 'waiting') this.#open(tunnel, granted);
        else granted.release();
      },
      () => this.#break(tunnel),
    );
  }

  /** Ends a tunnel that a bug was met in, whether or not it is open. */
  #break(tunnel: UdpTunnel): void {
    tunnel.refuse(this.#proxyName, { error: 'proxy_internal_error' });
    tunnel.fail(Http3ErrorCode.internalError, 'internal error');
  }

  #open(tunnel: UdpTunnel, { admitted, destination, port, release }: Granted): void {
    let socket: UdpSocket;
    try {
      const local = destination.length === 4 ? '0.0.0.0' : '::';
      socket = UdpSocket.open({
        address: local,
        port: 0,
        v6only: true,
        gro: false,
        pktinfo: false,
        slotBytes: SLOT_BYTES,
      });
    } catch (error) {
      release();
      // RFC 9209 §2.3.12: a limit is one on connections; §2.3.30: what else is wrong here is the proxy's own fault.
      const isLimit = LIMITS.has((error as NodeJS.ErrnoException).code);
      this.unopened[isLimit ? 'limit' : 'internal']++;
      tunnel.refuse(this.#proxyName, { error: isLimit ? 'connection_limit_reached' : 'proxy_internal_error' });
      return;
    }
    const flow: Flow = {
      admitted,
      destination,
      end: (reason) => tunnel.fail(Http3ErrorCode.requestRejected, reason),
      socket,
      remote: addressOf(formatIpAddress(destination), port),
      release,
      lastMs: this.#nowMs(),
    };
    this.#flows.set(tunnel, flow);
    // From here on the end of the tunnel closes the socket.
    const read = (): void => this.#fromTarget(tunnel, flow);
    const end = (): void => this.#break(tunnel);
    socket.onReadable(() => this.#faults.guard('tunnel', read, end));
    tunnel.accept();
  }

  #fromTarget(tunnel: UdpTunnel, flow: Flow): void {
    const burst = this.#receive;
    burst.clear();
    burst.used = HEADROOM;
    flow.socket.receive(burst);
    flow.lastMs = this.#nowMs();
    for (let i = 0; i < burst.count; i++) {
      const at = i * DESCRIPTOR_WORDS;
      const start = burst.words[at + D_OFFSET] as number;
      const length = burst.words[at + D_LENGTH] as number;
      // RFC 9298 §3.1: only what comes from the target belongs to the tunnel.
      if (!sameAddress(burst.words, at + D_REMOTE, flow.remote, 0)) this.dropped.foreign++;
      else if (!tunnel.send(burst.buffer, start, start + length)) this.dropped.notSent++;
    }
  }

  payload(tunnel: UdpTunnel, buffer: Uint8Array, start: number, end: number): void {
    const flow = this.#flows.get(tunnel);
    if (flow === undefined) return;
    if (end - start > this.#send.buffer.length) {
      this.dropped.tooLarge++;
      return;
    }
    flow.lastMs = this.#nowMs();
    this.#send.clear();
    this.#send.buffer.set(buffer.subarray(start, end));
    this.#send.commit(end - start, 0, flow.remote, 0, NO_ADDRESS, 0);
    if (flow.socket.send(this.#send) === 0) this.dropped.notSent++;
  }

  /** Ends tunnels through which nothing went for too long. */
  expire(): void {
    const before = this.#nowMs() - IDLE_MS;
    for (const [tunnel, flow] of [...this.#flows]) if (flow.lastMs < before) tunnel.close();
  }

  live(): Iterable<LiveTunnel> {
    return this.#flows.values();
  }

  closed(tunnel: UdpTunnel): void {
    const flow = this.#flows.get(tunnel);
    if (flow === undefined) return;
    this.#flows.delete(tunnel);
    flow.socket.close();
    flow.release();
  }

  // A proxy opens no tunnels itself.
  opened(): void {}
  refused(): void {}
}
