/** Many devices as `cloudbridge connect` is one: a session each, one TUN for all, told apart by their addresses. */
import { EdgeLink } from '#client/edge-link.ts';
import type { PacketPort, SendNow } from '#client/ip-tunnels.ts';
import { parseServer } from '#client/server-address.ts';
import { Session } from '#client/session.ts';
import { staticToken } from '#client/token-source.ts';
import { tlsFor } from '#client/trust.ts';
import { TunPort } from '#dataplane/tun-port.ts';
import { nativeSum } from '#host/checksum/checksum.ts';
import { nowUs } from '#host/clock/clock.ts';
import { TunDevice } from '#host/tun/device.ts';
import { IpFault, IpView } from '#protocol/ip/view.ts';
import type { IpTunnel } from '#protocol/masque/connect-ip.ts';
import type { DevicesOrder, SimulatedDevice } from './order.ts';
import { Trace } from './trace.ts';

const after = (us: number, callback: () => void): (() => void) => {
  const timer = setTimeout(callback, us / 1000);
  return () => clearTimeout(timer);
};

/** Both addresses of a device end in the same bytes. */
const keyAt = (buffer: Uint8Array, end: number): number =>
  ((buffer[end - 2] as number) << 8) | (buffer[end - 1] as number);

const keyOf = ({ ipv4 }: SimulatedDevice): number => {
  const [, , c = 0, d = 0] = ipv4.split('.').map(Number);
  return (c << 8) | d;
};

class Device implements PacketPort {
  readonly #port: TunPort;
  readonly #view = new IpView();
  tunnel: IpTunnel | undefined;
  sendNow: SendNow = () => {};

  constructor(port: TunPort) {
    this.#port = port;
  }

  fromEdge(buffer: Uint8Array, start: number, end: number, stays: boolean): void {
    if (this.#view.parse(buffer, start, end) !== IpFault.none) return;
    this.#port.add(buffer, this.#view);
    if (!stays) this.#port.flush();
  }

  flush(): void {
    this.#port.flush();
  }

  mayHaveRoom(): void {}

  configured(tunnel: IpTunnel, send: SendNow): void {
    this.tunnel = tunnel;
    this.sendNow = send;
  }
}

const run = ({ tun, ca, server, devices }: DevicesOrder): void => {
  const address = parseServer(server);
  if (typeof address === 'string') throw new Error(address);
  const tls = tlsFor({ caFile: ca });
  const device = TunDevice.open({ name: tun, vnetHeader: true, offload: 0 });
  const port = new TunPort(device);
  const byKey = new Map<number, Device>();
  const touched = new Set<Device>();
  const view = new IpView();
  const counts = { connected: 0, disconnected: 0 };
  const trace = new Trace();
  let up = 0;
  device.onReadable(() => {
    port.read({
      fromOutside: (packet) => {
        const { buffer, start, end } = packet;
        if (view.parse(buffer, start, end) !== IpFault.none || !packet.completeChecksum(nativeSum)) return;
        const from = byKey.get(keyAt(buffer, view.sourceAt + view.addressBytes));
        if (from?.tunnel?.send(buffer, start, end)) touched.add(from);
      },
    });
    for (const one of touched) one.sendNow(false);
    touched.clear();
  });
  for (const spec of devices) {
    const one = new Device(port);
    byKey.set(keyOf(spec), one);
    const session = new Session<EdgeLink>(
      { servers: [address], tokens: staticToken(spec.token, 'the order'), tunnel: true },
      {
        resolve: async (host) => [host],
        dial: (target, sink) => new EdgeLink(target, sink, { tls, packets: one, messages: 1 }),
        ...{ nowUs, after, random: Math.random, wallMs: Date.now },
      },
      {
        event: (event) => {
          const { type } = event;
          trace.note({ device: spec.ipv4, ...event });
          if (type === 'connected' || type === 'disconnected') counts[type]++;
        },
        up: () => {
          if (++up === devices.length) process.send?.({ ready: devices.length });
        },
        down: () => {
          up--;
          one.tunnel = undefined;
        },
      },
    );
    void session.run().then((failure) => {
      if (failure !== undefined) throw new Error(`${spec.ipv4}: ${failure.message}`);
    });
  }
  process.once('SIGTERM', () => {
    trace.write();
    process.send?.({ result: counts }, () => process.exit());
  });
};

process.once('message', (order: DevicesOrder) => run(order));
