import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LaterTls } from './testing/later-tls.ts';
import { Pair, type Ports, testPorts } from './testing/pair.ts';
import { SeededRandom } from './testing/random.ts';
import { pattern, RecordingSink } from './testing/sinks.ts';
import { closingSuite } from './testing/suite-closing.ts';
import { earlyDataSuite } from './testing/suite-early.ts';
import { endpointSuite } from './testing/suite-endpoint.ts';
import { handshakeSuite } from './testing/suite-handshake.ts';
import { lastTicketSuite } from './testing/suite-last-ticket.ts';
import { lossSuite } from './testing/suite-loss.ts';
import { pathSuite } from './testing/suite-paths.ts';
import { transferSuite } from './testing/suite-transfer.ts';
import { earlyVersionSuite, versionSuite } from './testing/suite-versions.ts';

// The suites again, with a server whose TLS answers later.
const later = (ports: Ports, delayUs = 3000): Ports & { readonly later: LaterTls } => {
  const tls = new LaterTls(ports.serverTls, delayUs);
  return { ...ports, serverTls: tls, later: tls };
};
const ports = (seed: number, certificateBytes?: number) => later(testPorts(new SeededRandom(seed), certificateBytes));
const NAME = 'TLS that answers later';

transferSuite(NAME, ports);
handshakeSuite(NAME, ports);
closingSuite(NAME, ports);
endpointSuite(NAME, ports);
versionSuite(NAME, ports);
earlyVersionSuite(NAME, ports);
pathSuite(NAME, ports);
lossSuite(NAME, ports, 8);
lastTicketSuite(NAME, () => later(testPorts(new SeededRandom(1))));
earlyDataSuite(NAME, (accepts) => later(testPorts(new SeededRandom(1), 900, accepts)));

describe('a server whose TLS answers later', () => {
  it('is patient: the handshake goes on when the answer comes, retransmissions or not', () => {
    const slow = later(testPorts(new SeededRandom(1)), 4_000_000);
    const pair = new Pair({ ports: slow });
    const connection = pair.connect();
    const data = pattern(5000);
    pair.clientSink.onComplete = () => connection.write(connection.openStream(true), data, true);
    assert.ok(pair.run(() => pair.serverSinks[0]?.finished.has(0) === true));
    assert.deepEqual(pair.serverSink.bytes(0), data);
  });

  it('forgets a client that gave up before the answer', () => {
    const slow = later(testPorts(new SeededRandom(1)), 500_000);
    const pair = new Pair({ ports: slow });
    const connection = pair.connect();
    pair.run(() => slow.later.waiting > 0);
    connection.close(0, 'never mind');
    pair.run(() => false, 20_000_000);
    assert.equal(pair.server.connections, 0);
    assert.equal(slow.later.waiting, 0);
  });

  it('asks for proof of the address with half of what it may have to do, and refuses beyond all', () => {
    const busy = ports(1);
    const pair = new Pair({ ports: busy });
    busy.later.fullness = 0.5;
    pair.connect();
    assert.ok(pair.run(() => pair.clientSink.confirmed));
    assert.equal(pair.server.counters.retriesSent, 1);
    busy.later.fullness = 1;
    const sink = new RecordingSink();
    pair.client.connect({ remote: pair.serverAddress, serverName: 'localhost', alpn: ['test'], sink }, pair.now);
    assert.ok(pair.run(() => sink.closes.length > 0));
    assert.equal(pair.server.counters.refusedBusy, 1);
    assert.equal(pair.server.counters.accepted, 1);
  });
});
