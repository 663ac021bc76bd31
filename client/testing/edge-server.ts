import { createHash, generateKeyPairSync, randomFillSync } from 'node:crypto';
import { exportJWK, SignJWT } from 'jose';
import { Admission } from '#dataplane/admission.ts';
import { Directory } from '#dataplane/directory.ts';
import { Endings, type LiveTunnel } from '#dataplane/endings.ts';
import { Faults } from '#dataplane/faults.ts';
import { Carriers } from '#dataplane/forward/carriers.ts';
import { Forwarder } from '#dataplane/forward/forwarder.ts';
import { TenantTable } from '#dataplane/forward/tenant-table.ts';
import { EdgeRequests } from '#dataplane/masque/edge-requests.ts';
import { IpSessions } from '#dataplane/masque/ip-sessions.ts';
import { Targets } from '#dataplane/masque/targets.ts';
import { TcpProxy } from '#dataplane/masque/tcp-proxy.ts';
import { UdpProxy } from '#dataplane/masque/udp-proxy.ts';
import { QuicDriver } from '#dataplane/quic-driver.ts';
import { TunPort } from '#dataplane/tun-port.ts';
import { opensslCrypto } from '#host/tls/crypto-port.ts';
import { createTlsServerPort } from '#host/tls/tls-port.ts';
import { configureTun } from '#host/tun/configure.ts';
import { TunDevice } from '#host/tun/device.ts';
import { UdpSocket } from '#host/udp/socket.ts';
import { addressPort } from '#protocol/address.ts';
import { controllerNamed, DEFAULT_CONTROLLER } from '#protocol/congestion/registry.ts';
import { Http3Binding } from '#protocol/http3/binding.ts';
import { Http3Connection } from '#protocol/http3/connection.ts';
import { PrefixTable } from '#protocol/ip/prefix-table.ts';
import { type Prefix, parseIpAddress, parsePrefix } from '#protocol/ip/text.ts';
import { DEFAULT_CONFIG, DEFAULT_ENDPOINT_CONFIG } from '#protocol/quic/config.ts';
import { Endpoint } from '#protocol/quic/endpoint.ts';

/** What a test edge is told when it starts, as the message of its parent. */
export interface EdgeOrder {
  readonly address: string;
  readonly port: number;
  readonly certificateChain: string;
  readonly privateKey: string;
  readonly jwks: string;
  /** Whose tokens these keys sign; absent: the test's own. */
  readonly issuer?: string;
  /** Name of the TUN behind the forwarder; without it there are only proxies. */
  readonly tun?: string;
  /** Loopback targets may be proxied to. */
  readonly allowLoopback?: boolean;
}

export const ISSUER = 'https://issuer.test';

const prefix = (text: string): Prefix => parsePrefix(text) as Prefix;
const address = (text: string): Uint8Array => parseIpAddress(text) as Uint8Array;

/** Keys that a test signs tokens with, and their public half as a JWK set. */
export const createIssuer = async () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'test', alg: 'ES256' }] });
  const token = (device: number, lifeSeconds = 600): Promise<string> => {
    const now = Math.floor(Date.now() / 1000);
    return new SignJWT({ tenant: 'acme', ipv4: `10.64.0.${device}`, ipv6: `fd00:1::${device}`, egress: true })
      .setProtectedHeader({ alg: 'ES256', kid: 'test' })
      .setIssuer(ISSUER)
      .setAudience('cloudbridge-pop')
      .setSubject(`device-${device}`)
      .setJti(`t${device}-${now}-${Math.round(lifeSeconds)}`)
      .setIssuedAt(now)
      .setExpirationTime(now + lifeSeconds)
      .sign(privateKey);
  };
  return { jwks, token };
};

const openTun = async (name: string): Promise<TunDevice> => {
  const device = TunDevice.open({ name, vnetHeader: true });
  // The kernel cuts what is larger than every tunnel takes.
  configureTun(name, { mtu: 1280, addresses: ['100.64.0.0/16', 'fd00:1::/48'], up: true });
  return device;
};

const makeHandlers = (order: EdgeOrder, device: TunDevice | undefined) => {
  const directory = new Directory();
  directory.setKeys(order.jwks, order.issuer ?? ISSUER);
  // There is no control plane that could know more.
  directory.isCurrent = true;
  const tenants = new TenantTable(new Carriers(prefix('100.64.0.0/16')));
  const admission = new Admission(directory, Date.now, tenants);
  tenants.defineTenant('acme', [prefix('10.64.0.0/10'), prefix('fd00:1::/48')]);
  const port = device === undefined ? undefined : new TunPort(device);
  const forwarder = new Forwarder({
    tenants,
    egress: port ?? { add: () => false },
    refused: { refused4: new PrefixTable(4), refused6: new PrefixTable(16) },
    router4: address('192.0.2.1'),
    router6: address('2001:db8:a::1'),
  });
  const faults = new Faults((_ended, error) => console.error(error));
  const sessions = new IpSessions({
    admission,
    forwarder,
    tenants,
    faults,
    proxyName: 'edge',
    notify: (notice) => process.send?.({ notice }),
  });
  const allow = order.allowLoopback ? [prefix('127.0.0.0/8'), prefix('::1/128')] : [];
  const targets = new Targets({ admission, tenants, policy: { allow, deny: [] } });
  const udp = new UdpProxy(targets, 'edge', Date.now, faults);
  device?.onReadable(() => port?.read(forwarder));
  return {
    port,
    sessions,
    requests: new EdgeRequests({ ip: sessions, udp, tcp: new TcpProxy(targets, 'edge', faults) }),
  };
};

const serve = async (order: EdgeOrder): Promise<void> => {
  const device = order.tun === undefined ? undefined : await openTun(order.tun);
  const { port, sessions, requests } = makeHandlers(order, device);
  const secret = (purpose: string) =>
    createHash('sha256')
      .update(purpose + order.privateKey)
      .digest();
  const endpoint = new Endpoint({
    config: DEFAULT_ENDPOINT_CONFIG,
    quic: { ...DEFAULT_CONFIG, controller: controllerNamed(DEFAULT_CONTROLLER), maxDatagramBytes: 1472 },
    crypto: opensslCrypto,
    tls: createTlsServerPort({
      identities: [{ certificateChain: order.certificateChain, privateKey: order.privateKey }],
      alpn: ['h3'],
      ticketKeys: [Buffer.concat([secret('a'), secret('b'), secret('c')]).subarray(0, 80)],
    }),
    random: { fill: (bytes) => void randomFillSync(bytes) },
    tokenKey: secret('token'),
    resetKey: secret('reset'),
    accept: () => new Http3Binding((quic) => new Http3Connection(quic, requests)),
  });
  const socket = UdpSocket.open({ address: order.address, port: order.port, receiveBufferBytes: 8 << 20 });
  new QuicDriver({ socket, endpoint, afterReceive: () => port?.flush() });
  process.on('message', (message) => {
    if (message === 'drain') sessions.drain();
  });
  const endings = new Endings([sessions]);
  const expired = ({ admitted }: LiveTunnel): boolean => admitted.expiresAt <= Date.now() / 1000;
  setInterval(() => endings.endWhere(expired, 'expired'), 200);
  process.send?.({ port: addressPort(socket.localAddress()) });
};

if (process.send !== undefined && import.meta.main) process.once('message', (order: EdgeOrder) => void serve(order));
