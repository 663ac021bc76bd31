/** Hands handshakes over without end, early data among them; its parent terminates it at any moment. */
import { parentPort, workerData } from 'node:worker_threads';
import { HandshakeDesk } from '../handshake-desk.ts';
import { createTlsClientPort, createTlsServerPort } from '../tls-port.ts';

const desk = new HandshakeDesk(2);
const server = createTlsServerPort({ identities: workerData.identities, alpn: ['h3'], earlyData: true, desk });
const client = createTlsClientPort({ trustAnchors: workerData.trustAnchors });
const transportParameters = new Uint8Array();
let made = 0;
const begin = (ticket?: Uint8Array): void => {
  const some = { serverName: 'edge.test', alpn: ['h3'], transportParameters, earlyData: true };
  const one = client.client({ ...some, ...(ticket !== undefined && { ticket }) });
  const ready = (): void => {
    let next = ticket;
    for (let event = other.next(); event !== undefined; event = other.next())
      if (event.type === 'crypto') one.receive(event.level, event.data);
    for (let event = one.next(); event !== undefined; event = one.next()) {
      if (event.type === 'crypto') other.receive(event.level, event.data);
      if (event.type === 'ticket') next = event.data;
    }
    if (desk.away < 20) begin(next);
    if (++made === 100) parentPort?.postMessage('busy');
  };
  const early = { context: new Uint8Array(), scope: 0, bears: () => true };
  const other = server.server({ transportParameters, early, ready });
  for (let event = one.next(); event !== undefined; event = one.next())
    if (event.type === 'crypto') other.receive(event.level, event.data);
};
begin();
