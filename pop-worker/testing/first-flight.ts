import { nowUs } from '#host/clock/clock.ts';
import { systemRandom } from '#host/random/random.ts';
import { opensslCrypto } from '#host/tls/crypto-port.ts';
import { createTlsClientPort } from '#host/tls/tls-port.ts';
import { addressOf } from '#host/udp/address.ts';
import { PassiveHttp3Sink } from '#pop-worker/library/http3-sink.ts';
import { Burst } from '#protocol/burst.ts';
import { controllerNamed, DEFAULT_CONTROLLER } from '#protocol/congestion/registry.ts';
import { Http3Binding } from '#protocol/http3/binding.ts';
import { Http3Connection } from '#protocol/http3/connection.ts';
import { openIpTunnel } from '#protocol/masque/connect-ip.ts';
import { ANY_SCOPE } from '#protocol/masque/ip-scope.ts';
import { defaultIpTemplate } from '#protocol/masque/uri-template.ts';
import { DEFAULT_CONFIG, DEFAULT_ENDPOINT_CONFIG } from '#protocol/quic/config.ts';
import { Endpoint } from '#protocol/quic/endpoint.ts';
import { datagramsOf } from '#protocol/quic/testing/link.ts';
import type { Resumable } from './device.ts';
import { EDGE4, PORT, type World } from './world.ts';

interface Flight {
  readonly edge: string;
  readonly port: number;
  readonly serverName: string;
  readonly trustAnchors: string;
  readonly token: string;
  readonly resume: Resumable;
}

const nothing = (): void => {};

/**
 * What a device sends before it hears anything: a ClientHello and, as early data, the request for its tunnel. Who sees these
 * datagrams on their way can send them again, to any worker.
 */
export const firstFlight = ({ edge, port, serverName, trustAnchors, token, resume }: Flight): Uint8Array[] => {
  const endpoint = new Endpoint({
    config: DEFAULT_ENDPOINT_CONFIG,
    quic: { ...DEFAULT_CONFIG, controller: controllerNamed(DEFAULT_CONTROLLER), initialDatagramBytes: 1331 },
    crypto: opensslCrypto,
    tls: createTlsClientPort({ trustAnchors }),
    random: systemRandom,
    tokenKey: new Uint8Array(32),
  });
  const { settings, parameters, version } = resume;
  const sink = new Http3Binding(
    (quic) => new Http3Connection(quic, new (class extends PassiveHttp3Sink {})(), { remembered: settings }),
  );
  const whom = { remote: addressOf(edge, port), serverName, alpn: ['h3'], sink };
  const now = nowUs();
  const ticket = Buffer.from(resume.ticket, 'base64');
  const http3 = sink.bind(endpoint.connect({ ...whom, version, ticket, remembered: parameters }, now));
  http3.start();
  const fields = [{ name: 'authorization', value: `Bearer ${token}` }];
  const heard = { opened: nothing, refused: nothing, closed: nothing, payload: nothing };
  const asks = { addressesAssigned: nothing, addressesWanted: nothing, routesAdvertised: nothing };
  openIpTunnel(http3, defaultIpTemplate(serverName), ANY_SCOPE, { ...heard, ...asks }, fields);
  const burst = new Burst(1 << 16, 64);
  const flight: Uint8Array[] = [];
  while (endpoint.poll(now, burst)) {
    flight.push(...Array.from(datagramsOf(burst, new Int32Array(6), now), ({ bytes }) => bytes.slice()));
    burst.clear();
  }
  flight.push(...Array.from(datagramsOf(burst, new Int32Array(6), now), ({ bytes }) => bytes.slice()));
  return flight;
};

/** Sends datagrams to a worker, as anybody may who has seen them. */
export const sendAgain = async (world: World, namespace: string, datagrams: readonly Uint8Array[]): Promise<void> => {
  const program = `const socket = require('node:dgram').createSocket('udp4');
(async () => {
  for (const hex of process.argv.slice(1))
    await new Promise((sent) => socket.send(Buffer.from(hex, 'hex'), ${PORT}, '${EDGE4}', sent));
  socket.close();
})()`;
  const words = datagrams.map((bytes) => Buffer.from(bytes).toString('hex'));
  await world.exec(namespace, process.execPath, '--input-type=commonjs', '-e', program, ...words);
};
