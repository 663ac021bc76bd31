import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ADDRESS_WORDS } from '../../address.ts';
import { encodeTransportParameters, parseTransportParameters } from '../wire/transport-parameters.ts';
import { address, Pair, type PairOptions, type Ports } from './pair.ts';
import { pattern } from './sinks.ts';

const ANY = new Int32Array(ADDRESS_WORDS);
const PREFERRED = address(7, 4433);
const PREFERRED_CID = pattern(8, 77);

/** Connection IDs of short headers by the address that they were sent from. */
type Seen = Map<string, Set<string>>;
const note = (seen: Seen, where: Int32Array, bytes: Uint8Array): void => {
  if ((bytes[0] as number) & 0x80) return;
  const key = where.join();
  const cids = seen.get(key) ?? new Set();
  seen.set(key, cids.add(bytes.subarray(1, 9).join()));
};

/** Moves of the client's own (RFC 9000 §9.2, §9.5, §9.6). */
export const migrationSuite = (name: string, ports: (seed: number) => Ports): void => {
  const connected = (options: PairOptions = {}) => {
    const pair = new Pair({ ports: ports(1), ...options });
    const connection = pair.connect();
    assert.ok(pair.run(() => pair.clientSink.confirmed));
    pair.run(() => false, 500_000);
    return { pair, connection };
  };

  describe(`migration, ${name}`, () => {
    it('takes a transfer to another local address, with connection IDs that no other path saw', () => {
      const { pair, connection } = connected();
      const down = pattern(400_000, 5);
      pair.serverSink.onStreamData = (server, stream, fin) => {
        if (fin) server.write(stream, down, true);
      };
      const up: Seen = new Map();
      const back: Seen = new Map();
      pair.onClientSends = ({ from, bytes }) => note(up, from, bytes);
      pair.onServerSends = ({ to, bytes }) => {
        note(back, to, bytes);
        const { active } = pair.accepted.parts.paths;
        if (!active.validated) assert.ok(pair.amplification(active.remote) <= 0);
      };
      connection.write(connection.openStream(true), pattern(1000), true);
      assert.ok(pair.run(() => pair.clientSink.bytesReceived > 50_000));
      const moved = address(3, 4100);
      assert.equal(connection.migrate(moved, pair.now), undefined);
      assert.ok(pair.run(() => pair.clientSink.finished.has(0)));
      assert.deepEqual(pair.clientSink.bytes(0), down);
      const { paths, counters } = pair.accepted.parts;
      const { active } = paths;
      assert.deepEqual([active.remote.join(), active.validated], [moved.join(), true]);
      assert.equal(counters.pathsValidated, 1);
      assert.ok(counters.challengesReceived > 0 && connection.parts.counters.challengesReceived > 0);
      for (const seen of [up, back]) {
        const old = seen.get(pair.clientAddress.join());
        const fresh = seen.get(moved.join());
        assert.ok(old && fresh && fresh.size > 0);
        for (const cid of fresh) assert.ok(!old.has(cid), 'a connection ID was used from two addresses');
      }
    });

    it('begins with congestion state, RTT and ECN of its own (§9.4)', () => {
      const { pair, connection } = connected();
      const { recovery } = connection.parts;
      assert.notEqual(recovery.rtt.latestUs, 0);
      const former = recovery.controller;
      connection.migrate(address(3, 4100), pair.now);
      assert.notEqual(recovery.controller, former);
      assert.deepEqual([recovery.rtt.firstSampleTime, recovery.ecn.state], [Number.POSITIVE_INFINITY, 'testing']);
    });

    it('can be made again and again, as the server names new connection IDs', () => {
      const { pair, connection } = connected();
      for (let i = 0; i < 10; i++) {
        const moved = address(3, 4100 + i);
        assert.equal(connection.migrate(moved, pair.now), undefined, `${i}`);
        assert.ok(pair.run(() => pair.accepted.parts.paths.active.remote.join() === moved.join(), 2_000_000));
        pair.run(() => false, 5_000_000);
        assert.deepEqual([connection.parts.paths.count, pair.accepted.parts.paths.count], [1, 1]);
      }
    });

    it('stays where the kernel chooses the address, under another connection ID', () => {
      const { pair, connection } = connected();
      const seen: Seen = new Map();
      pair.onClientSends = ({ from, bytes }) => note(seen, from, bytes);
      connection.parts.spaces[2].ping = true;
      connection.migrate(ANY, pair.now);
      pair.clientAddress = address(9, 4000);
      assert.ok(pair.run(() => connection.parts.paths.active.validated));
      assert.deepEqual([...seen.keys()], [address(9, 4000).join()]);
    });

    it('goes back when nothing answers at the new address', () => {
      const { pair, connection } = connected();
      const nowhere = address(66, 666);
      pair.dropTo = nowhere;
      connection.migrate(nowhere, pair.now);
      assert.ok(pair.run(() => connection.parts.paths.active.local.join() !== nowhere.join(), 10_000_000));
      const data = pattern(5000);
      connection.write(connection.openStream(true), data, true);
      assert.ok(pair.run(() => pair.serverSink.finished.has(0)));
      assert.ok(pair.run(() => pair.accepted.parts.paths.active.remote.join() === pair.clientAddress.join()));
    });

    it('is refused while no fresh connection ID has come after confirmation, and done when asked again', () => {
      const pair = new Pair({ ports: ports(1) });
      const connection = pair.connect();
      const { peerCids } = connection.parts;
      assert.ok(pair.run(() => pair.clientSink.confirmed));
      // As if none had come yet: those that came are used up, and the server issues others.
      while (peerCids.available > 0) peerCids.assign(0);
      assert.equal(connection.migrate(ANY, pair.now), 'no-connection-id');
      assert.ok(pair.run(() => peerCids.available > 0));
      const moved = address(3, 4100);
      assert.equal(connection.migrate(moved, pair.now), undefined);
      assert.ok(pair.run(() => pair.accepted.parts.paths.active.remote.join() === moved.join()));
    });

    it('is refused before confirmation, to servers, where the server forbids it and without a fresh connection ID', () => {
      const early = new Pair({ ports: ports(1) });
      assert.equal(early.connect().migrate(ANY, early.now), 'not-confirmed');
      const { pair, connection } = connected();
      assert.equal(pair.accepted.migrate(ANY, pair.now), 'not-client');
      while (connection.parts.peerCids.available > 0) connection.parts.peerCids.assign(0);
      assert.equal(connection.migrate(ANY, pair.now), 'no-connection-id');
      connection.close(0, '');
      assert.equal(connection.migrate(ANY, pair.now), 'closed');
      const fixed = connected({ server: { disableActiveMigration: true } });
      assert.equal(fixed.connection.migrate(ANY, fixed.pair.now), 'forbidden');
    });
  });

  /** A server that names a preferred address. */
  const preferring = (dropIt: boolean, client: PairOptions['client'] = {}) => {
    const made = ports(1);
    const preferredAddress = {
      ipv4: Uint8Array.of(127, 0, 0, 8),
      ipv4Port: 4433,
      ipv6: new Uint8Array(16),
      ipv6Port: 0,
      connectionId: PREFERRED_CID,
      statelessResetToken: pattern(16, 3),
    };
    const serverTls: Ports['serverTls'] = {
      client: made.serverTls.client,
      server: ({ transportParameters }) => {
        const declared = { ...parseTransportParameters(transportParameters, 'server'), preferredAddress };
        return made.serverTls.server({ transportParameters: encodeTransportParameters(declared) });
      },
    };
    const drop = ({ to }: { to: Int32Array }) => dropIt && to.join() === PREFERRED.join();
    const pair = new Pair({ ports: { ...made, serverTls }, toServer: { delayUs: 10_000, drop }, client });
    const connection = pair.connect();
    assert.ok(pair.run(() => pair.serverSinks.length > 0));
    pair.accepted.parts.localCids.addPreferred(PREFERRED_CID);
    assert.ok(pair.run(() => pair.clientSink.confirmed));
    pair.run(() => false, 5_000_000);
    return { pair, connection };
  };

  describe(`preferred addresses, ${name}`, () => {
    it('are gone to once they answer', () => {
      const { pair, connection } = preferring(false);
      assert.deepEqual(connection.parts.paths.active.remote, PREFERRED);
      assert.equal(connection.parts.paths.count, 1);
      const targets = new Set<string>();
      pair.onClientSends = ({ to }) => targets.add(to.join());
      connection.write(connection.openStream(true), pattern(50_000), true);
      assert.ok(pair.run(() => pair.serverSink.finished.has(0)));
      assert.deepEqual([...targets], [PREFERRED.join()]);
    });

    it('are left alone when they do not answer', () => {
      const { pair, connection } = preferring(true);
      assert.deepEqual(connection.parts.paths.active.remote, pair.serverAddress);
      assert.equal(connection.parts.paths.count, 1);
      connection.write(connection.openStream(true), pattern(5000), true);
      assert.ok(pair.run(() => pair.serverSink.finished.has(0)));
    });

    it('are not asked when the client does not want to', () => {
      const { pair, connection } = preferring(false, { followPreferredAddress: false });
      assert.deepEqual(connection.parts.paths.active.remote, pair.serverAddress);
      assert.equal(connection.parts.counters.pathChanges, 0);
    });
  });
};
