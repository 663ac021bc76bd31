import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CE, ECT0, NOT_ECT } from '../recovery/ecn.ts';
import { address, Pair, type Ports } from './pair.ts';
import { pattern } from './sinks.ts';

/** Marks of the network (RFC 9000 §13.4), from end to end. */
export const ecnSuite = (name: string, ports: (seed: number) => Ports): void => {
  const transfer = (options: ConstructorParameters<typeof Pair>[0] = {}): Pair => {
    const pair = new Pair({ ports: ports(1), ...options });
    const connection = pair.connect();
    pair.clientSink.onComplete = () => connection.write(connection.openStream(true), pattern(300_000), true);
    assert.ok(pair.run(() => pair.serverSinks[0]?.finished.has(0) === true));
    return pair;
  };
  const stateOf = (pair: Pair) => {
    const recovery = pair.opened.parts.recovery;
    return [recovery.ecn.state, recovery.stats.ecnCe > 0];
  };

  describe(`ECN, ${name}`, () => {
    it('is used in both directions on a path that bears it', () => {
      const pair = transfer();
      assert.deepEqual(stateOf(pair), ['capable', false]);
      assert.equal(pair.accepted.parts.recovery.ecn.state, 'capable');
    });

    it('lets a mark slow the sender down without any loss', () => {
      let count = 0;
      const pair = transfer({
        toServer: { delayUs: 10_000, remark: (ecn) => (ecn === ECT0 && ++count % 40 === 0 ? CE : ecn) },
      });
      assert.deepEqual(stateOf(pair), ['capable', true]);
      const { recovery } = pair.opened.parts;
      assert.equal(recovery.stats.packetsLost, 0);
      assert.equal(pair.accepted.parts.counters.packetsReceivedCe, recovery.stats.ecnCe);
      assert.ok(recovery.controller.recoveryStartTime > 0);
    });

    it('ends where the path takes the marks away', () => {
      const pair = transfer({ toServer: { delayUs: 10_000, remark: () => NOT_ECT } });
      assert.deepEqual(stateOf(pair), ['failed', false]);
      const sent: number[] = [];
      pair.onClientSends = ({ ecn }) => sent.push(ecn);
      const connection = pair.opened;
      connection.write(connection.openStream(true), pattern(100), true);
      assert.ok(pair.run(() => pair.serverSink.finished.has(4)));
      assert.ok(sent.length > 0 && sent.every((ecn) => ecn === NOT_ECT));
      assert.equal(pair.accepted.parts.recovery.ecn.state, 'capable', 'the other direction goes on');
    });

    it('ends where the path drops what is marked', () => {
      const pair = transfer({ toServer: { delayUs: 10_000, drop: ({ ecn }) => ecn !== NOT_ECT } });
      assert.deepEqual(stateOf(pair), ['failed', false]);
    });

    it('is tried anew when the client is at another address', () => {
      const pair = transfer({ toClient: { delayUs: 10_000, remark: () => NOT_ECT } });
      const server = pair.accepted;
      assert.equal(server.parts.recovery.ecn.state, 'failed');
      pair.clientAddress = address(3, 4000);
      const connection = pair.opened;
      connection.write(connection.openStream(true), pattern(100), true);
      assert.ok(pair.run(() => server.parts.recovery.ecn.state === 'testing'));
    });

    it('is reported though we do not mark ourselves (§13.4.1)', () => {
      const pair = transfer({ server: { ecn: false } });
      assert.deepEqual(stateOf(pair), ['capable', false]);
      assert.equal(pair.accepted.parts.recovery.ecn.state, 'off');
    });
  });
};
