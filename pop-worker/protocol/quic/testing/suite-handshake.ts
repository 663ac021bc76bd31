import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TlsPort } from '../ports.ts';
import { PacketType } from '../wire/packet/packet-type.ts';
import type { Role } from '../wire/parameters/definition.ts';
import {
  encodeTransportParameters,
  parseTransportParameters,
  type TransportParameters,
} from '../wire/transport-parameters.ts';
import { packetTypes } from './observe.ts';
import { Pair, type Ports } from './pair.ts';

type Change = Partial<TransportParameters>;

/** A port whose side declares something else than its connection does. */
const declaring = (port: TlsPort, side: Role, change: Change): TlsPort => {
  const changed = (encoded: Uint8Array): Uint8Array =>
    encodeTransportParameters({ ...parseTransportParameters(encoded, side), ...change });
  return {
    client: (options) => port.client({ ...options, transportParameters: changed(options.transportParameters) }),
    server: (options) => port.server({ ...options, transportParameters: changed(options.transportParameters) }),
  };
};

const OTHER = new Uint8Array(8).fill(0xee);
/** Who declares what, and whether there is a Retry. */
const LIES: readonly (readonly [what: string, side: Role, change: Change, retry: boolean])[] = [
  ['initial_source_connection_id of a client', 'client', { initialSourceConnectionId: OTHER }, false],
  ['initial_source_connection_id of a server', 'server', { initialSourceConnectionId: OTHER }, false],
  ['original_destination_connection_id', 'server', { originalDestinationConnectionId: OTHER }, false],
  ['original_destination_connection_id after Retry', 'server', { originalDestinationConnectionId: OTHER }, true],
  ['retry_source_connection_id', 'server', { retrySourceConnectionId: OTHER }, true],
  ['retry_source_connection_id without Retry', 'server', { retrySourceConnectionId: OTHER }, false],
];

/** Handshakes that must fail, and how their packets share datagrams. */
export const handshakeSuite = (name: string, ports: (seed: number) => Ports): void => {
  describe(`handshake, ${name}`, () => {
    for (const [what, side, change, retry] of LIES) {
      it(`ends when this is not that of the packets: ${what}`, () => {
        const honest = ports(1);
        const key = side === 'client' ? 'clientTls' : 'serverTls';
        const endpoint = retry ? { retryAtHandshakes: 0 } : {};
        const pair = new Pair({ ports: { ...honest, [key]: declaring(honest[key], side, change) }, endpoint });
        pair.connect();
        assert.ok(pair.run(() => pair.clientSink.closes.length === 1));
        assert.equal(pair.server.counters.retriesSent, retry ? 1 : 0);
        const [close] = pair.clientSink.closes;
        // TRANSPORT_PARAMETER_ERROR, by whoever was lied to.
        assert.deepEqual([close?.code, close?.by], [0x08, side === 'client' ? 'remote' : 'local']);
      });
    }

    it('tells an alert of TLS as CRYPTO_ERROR', () => {
      const pair = new Pair({ ports: ports(1), connect: { alpn: ['nobody speaks this'] } });
      pair.connect();
      assert.ok(pair.run(() => pair.clientSink.closes.length === 1));
      const [close] = pair.clientSink.closes;
      // no_application_protocol is alert 120 (RFC 7301 §3.2).
      assert.deepEqual([close?.by, close?.application, close?.code], ['remote', false, 0x100 + 120]);
    });

    it('gives connection IDs to spare when it is confirmed, not while it may still come to nothing', () => {
      const pair = new Pair({ ports: ports(1) });
      const { parts } = pair.connect();
      assert.ok(pair.run(() => pair.clientSink.handshake !== undefined));
      assert.deepEqual([parts.handshake.isConfirmed, parts.localCids.count], [false, 1]);
      assert.ok(pair.run(() => pair.clientSink.confirmed));
      pair.run(() => false, 1_000_000);
      assert.deepEqual([parts.localCids.count, pair.accepted.parts.localCids.count], [4, 4]);
      assert.deepEqual([parts.peerCids.available, pair.accepted.parts.peerCids.available], [3, 3]);
    });

    it('lets the server give nothing beyond the handshake before the client answers that', () => {
      const pair = new Pair({ ports: ports(1) });
      pair.connect();
      assert.ok(pair.run(() => pair.serverSinks[0]?.confirmed === true));
      const { localCids, recovery } = pair.accepted.parts;
      assert.deepEqual([localCids.count, recovery.mtu.isSearching(pair.now)], [1, false]);
      assert.ok(pair.run(() => pair.clientSink.confirmed));
      pair.run(() => localCids.count > 1);
      assert.deepEqual([localCids.count, recovery.mtu.isSearching(pair.now)], [4, true]);
    });

    it('puts packets of several levels into one datagram', () => {
      const pair = new Pair({ ports: ports(1) });
      const types: number[][] = [];
      pair.onServerSends = ({ bytes }) => types.push(packetTypes(bytes));
      pair.connect();
      assert.ok(pair.run(() => pair.clientSink.confirmed));
      // RFC 9000 §13.2.1: the acknowledgement does not wait for TLS in another thread.
      const flight = types[pair.ports.later === undefined ? 0 : 1];
      assert.deepEqual(flight?.slice(0, 2), [PacketType.initial, PacketType.handshake]);
    });
  });
};
