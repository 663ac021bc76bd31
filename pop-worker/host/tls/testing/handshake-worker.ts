/** Shakes hands without end, keeping some half done; its parent terminates it at any moment. */
import { parentPort, workerData } from 'node:worker_threads';
import { createTlsClientPort, createTlsServerPort } from '../tls-port.ts';
import { handshake } from './handshake.ts';

const server = createTlsServerPort({ identities: workerData.identities, alpn: ['h3'] });
const client = createTlsClientPort({ trustAnchors: workerData.trustAnchors });
const kept: unknown[] = [];
for (let round = 0; ; round++) {
  handshake(client, server);
  const half = client.client({ serverName: 'edge.test', alpn: ['h3'], transportParameters: new Uint8Array() });
  if (round < 50) kept.push(half, server.server({ transportParameters: new Uint8Array() }));
  if (round === 3) parentPort?.postMessage('busy');
}
