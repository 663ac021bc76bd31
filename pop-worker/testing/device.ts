/** The smallest device that a worker can serve: a TUN and one CONNECT-IP tunnel, in a process of its own. */
import { execFileSync } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { HEADROOM } from '#dataplane/forward/session.ts';
import { QuicDriver } from '#dataplane/quic-driver.ts';
import { type OutsideSink, TunPort } from '#dataplane/tun-port.ts';
import { nativeSum } from '#host/checksum/checksum.ts';
import { nowUs } from '#host/clock/clock.ts';
import { opensslCrypto } from '#host/tls/crypto-port.ts';
import { createTlsClientPort } from '#host/tls/tls-port.ts';
import { configureTun } from '#host/tun/configure.ts';
import { TunDevice } from '#host/tun/device.ts';
import type { TunPacket } from '#host/tun/packet.ts';
import { addressOf } from '#host/udp/address.ts';
import { UdpSocket } from '#host/udp/socket.ts';
import { savedSession } from '#pop-worker/library/saved-session.ts';
import { controllerNamed, DEFAULT_CONTROLLER } from '#protocol/congestion/registry.ts';
import type { Http3Sink } from '#protocol/http3/api.ts';
import { Http3Binding } from '#protocol/http3/binding.ts';
import { Http3Connection } from '#protocol/http3/connection.ts';
import type { ResponseHead } from '#protocol/http3/message.ts';
import type { Http3Settings } from '#protocol/http3/settings.ts';
import { Segmenter } from '#protocol/ip/segmenter.ts';
import { formatPrefix } from '#protocol/ip/text.ts';
import { IpFault, IpView } from '#protocol/ip/view.ts';
import { type IpTunnel, type IpTunnelSink, openIpTunnel } from '#protocol/masque/connect-ip.ts';
import { ANY_SCOPE } from '#protocol/masque/ip-scope.ts';
import { defaultIpTemplate } from '#protocol/masque/uri-template.ts';
import type { HandshakeInfo } from '#protocol/quic/api.ts';
import { DEFAULT_CONFIG, DEFAULT_ENDPOINT_CONFIG } from '#protocol/quic/config.ts';
import { Endpoint } from '#protocol/quic/endpoint.ts';
import type { TransportParameters } from '#protocol/quic/wire/transport-parameters.ts';

/** What a device keeps of a connection to resume it, with early data. */
export interface Resumable {
  /** Base64. */
  readonly ticket: string;
  readonly parameters: TransportParameters;
  readonly version: number;
  readonly settings: Http3Settings;
}

/** What a test asks of a device. */
export interface DeviceOrder {
  readonly edge: string;
  readonly port: number;
  readonly serverName: string;
  readonly trustAnchors: string;
  readonly token: string;
  readonly device: string;
  /** Led through the tunnel. */
  readonly routes: readonly string[];
  /** It asks for its tunnel in early data. */
  readonly resume?: Resumable | undefined;
}

/** What it tells. */
export type DeviceReport =
  | { readonly type: 'up'; readonly addresses: readonly string[]; readonly mtu: number }
  | { readonly type: 'handshake'; readonly resumed: boolean; readonly earlyData: HandshakeInfo['earlyData'] }
  /** The second one is given once the worker knows the device. */
  | { readonly type: 'ticket'; readonly count: number; readonly resumable: Resumable }
  | { readonly type: 'refused'; readonly status: number }
  | { readonly type: 'goaway' }
  | { readonly type: 'tunnel-closed'; readonly reason: string }
  | { readonly type: 'closed'; readonly by: string; readonly reason: string };

const tell = (report: DeviceReport): void => void process.send?.(report);

class Device implements IpTunnelSink, OutsideSink {
  readonly #order: DeviceOrder;
  readonly #tun: TunDevice;
  readonly #port: TunPort;
  readonly #view = new IpView();
  readonly #segmenter = new Segmenter(nativeSum);
  #driver: QuicDriver | undefined;
  #tunnel: IpTunnel | undefined;
  #tickets = 0;

  constructor(order: DeviceOrder) {
    this.#order = order;
    this.#tun = TunDevice.open({ name: order.device, vnetHeader: true });
    this.#port = new TunPort(this.#tun);
  }

  connect(): void {
    const { edge, port, serverName, trustAnchors } = this.#order;
    const local = edge.includes(':') ? '::' : '0.0.0.0';
    const socket = UdpSocket.open({
      address: local,
      port: 0,
      receiveBufferBytes: 8 << 20,
      sendBufferBytes: 4 << 20,
    });
    const endpoint = new Endpoint({
      config: DEFAULT_ENDPOINT_CONFIG,
      quic: {
        ...DEFAULT_CONFIG,
        controller: controllerNamed(DEFAULT_CONTROLLER),
        initialDatagramBytes: 1331,
        keepAliveUs: 5_000_000,
        datagramQueueBytes: 1 << 20,
        datagramQueueCount: 1024,
      },
      crypto: opensslCrypto,
      tls: createTlsClientPort({ trustAnchors }),
      random: { fill: (bytes) => void randomFillSync(bytes) },
      tokenKey: new Uint8Array(32),
    });
    const driver = new QuicDriver({
      socket,
      endpoint,
      headroom: HEADROOM,
      afterReceive: () => this.#port.flush(),
    });
    this.#driver = driver;
    this.#port.lasting = driver.receiveBuffer;
    const { resume } = this.#order;
    const remembered = resume && { remembered: resume.settings };
    const sink = new Http3Binding((quic) => new Http3Connection(quic, this.#http3Sink(), remembered));
    const whom = { remote: addressOf(edge, port), serverName, alpn: ['h3'], sink };
    if (resume === undefined) {
      endpoint.connect(whom, nowUs());
      return;
    }
    const { parameters, version } = resume;
    const ticket = Buffer.from(resume.ticket, 'base64');
    const http3 = sink.bind(endpoint.connect({ ...whom, ticket, version, remembered: parameters }, nowUs()));
    http3.start();
    this.#open(http3);
  }

  #keep(http3: Http3Connection, ticket: Uint8Array): void {
    const saved = savedSession(http3.quic, ticket);
    if (saved === undefined) return;
    const { parameters, version } = saved;
    const resumable = { ticket: Buffer.from(ticket).toString('base64'), parameters, version };
    tell({ type: 'ticket', count: ++this.#tickets, resumable: { ...resumable, settings: http3.peerSettings } });
  }

  #http3Sink(): Http3Sink {
    const nothing = (): void => {};
    return {
      handshakeComplete: (_http3, { resumed, earlyData }) => tell({ type: 'handshake', resumed, earlyData }),
      handshakeConfirmed: nothing,
      settings: (http3) => {
        if (this.#tunnel === undefined) this.#open(http3);
      },
      request: nothing,
      goaway: () => tell({ type: 'goaway' }),
      drained: nothing,
      streamsAvailable: nothing,
      datagramWritable: nothing,
      ticket: (http3, data) => this.#keep(http3, data),
      connectionClosed: (_http3, { by, reason }) => {
        tell({ type: 'closed', by, reason });
        this.close();
      },
      response: nothing,
      body: nothing,
      trailers: nothing,
      end: nothing,
      aborted: nothing,
      stopSending: nothing,
      datagram: nothing,
      writable: nothing,
      closed: nothing,
    };
  }

  #open(http3: Http3Connection): void {
    const { serverName, token } = this.#order;
    const fields = [{ name: 'authorization', value: `Bearer ${token}` }];
    this.#tunnel = openIpTunnel(http3, defaultIpTemplate(serverName), ANY_SCOPE, this, fields);
  }

  addressesAssigned(tunnel: IpTunnel): void {
    const addresses = tunnel.assigned.map(({ prefix }) => formatPrefix(prefix));
    const mtu = tunnel.maxPayloadBytes();
    void this.#configure(addresses, mtu).then(() => tell({ type: 'up', addresses, mtu }));
  }

  async #configure(addresses: readonly string[], mtu: number): Promise<void> {
    const { device, routes } = this.#order;
    // Nothing but what a test sends goes into the tunnel.
    execFileSync('ip', ['link', 'set', 'dev', device, 'addrgenmode', 'none']);
    configureTun(device, { mtu, addresses, up: true });
    for (const route of routes) execFileSync('ip', ['route', 'add', route, 'dev', device]);
    this.#tun.onReadable(() => {
      this.#port.read(this);
      this.#driver?.run();
    });
  }

  payload(_tunnel: IpTunnel, buffer: Uint8Array, start: number, end: number): void {
    if (this.#view.parse(buffer, start, end) === IpFault.none) this.#port.add(buffer, this.#view);
  }

  /** Out of the TUN, into the tunnel. */
  fromOutside(packet: TunPacket): void {
    const { buffer, start, end } = packet;
    if (!packet.isLarge) {
      packet.completeChecksum(nativeSum);
      this.#tunnel?.send(buffer, start, end);
      return;
    }
    if (this.#view.parse(buffer, start, end) !== IpFault.none) return;
    if (!this.#segmenter.begin(buffer, this.#view, packet.gsoSize)) return;
    for (;;) {
      const bytes = this.#segmenter.nextInPlace();
      if (bytes === 0) return;
      const { start: at } = this.#segmenter;
      this.#tunnel?.send(buffer, at, at + bytes);
    }
  }

  refused(_tunnel: IpTunnel, head: ResponseHead): void {
    tell({ type: 'refused', status: head.status });
  }

  closed(_tunnel: IpTunnel, { reason }: { reason: string }): void {
    tell({ type: 'tunnel-closed', reason });
  }

  close(): void {
    // CONNECTION_CLOSE and what was told leave first.
    setTimeout(() => {
      this.#driver?.close();
      this.#tun.close();
      process.disconnect();
    }, 50);
  }

  opened(): void {}
  addressesWanted(): void {}
  routesAdvertised(): void {}

  goodbye(): void {
    this.#tunnel?.http.close();
  }
}

process.once('message', (order: DeviceOrder) => {
  const device = new Device(order);
  device.connect();
  process.once('message', () => device.goodbye());
});
