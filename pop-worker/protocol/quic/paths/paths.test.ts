import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NEVER } from '../../contract.ts';
import { address } from '../testing/pair.ts';
import { SeededRandom } from '../testing/random.ts';
import { Path } from './path.ts';
import { type PathHooks, Paths } from './paths.ts';

const LOCAL = address(1, 443);
const PTO = 1000;

/** Paths of a connection with the notes of its hooks. */
const made = (isServer: boolean, validated: boolean) => {
  const log: string[] = [];
  const first = new Path(0, address(2, 4000), 0, LOCAL, 0);
  first.validated = validated;
  first.trusted = !isServer;
  const hooks: PathHooks = {
    validationPtoUs: () => PTO,
    pathChanged: ({ id }, fresh) => log.push(`changed ${id}${fresh ? ' fresh' : ''}`),
    pathForgotten: ({ id }) => log.push(`forgotten ${id}`),
    pathValidated: ({ id }) => log.push(`validated ${id}`),
    noPathLeft: () => log.push('none left'),
  };
  const paths = new Paths(isServer, first, hooks);
  const random = new SeededRandom(3);
  /** Sends what is to be sent, and answers on the paths that `reaches` lets through. */
  const exchange = (now: number, reaches: (path: Path) => boolean): void => {
    for (let path = paths.nextProbe(true); path !== undefined; path = paths.nextProbe(true)) {
      while (path.responses.pending) path.responses.take();
      if (!path.validation.pending) continue;
      const data = path.validation.challenge(now, PTO, random).slice();
      if (reaches(path)) paths.onResponse(data, 0, now);
    }
  };
  const from = (remote: Int32Array) => paths.find(remote, 0, LOCAL, 0) ?? paths.candidate(remote, 0, LOCAL, 0);
  return { paths, log, exchange, from };
};

test('RFC 9000 §9.3.2: without a validated address the connection ends silently', () => {
  const { paths, log, from } = made(true, false);
  paths.onNonProbing(from(address(3, 4000)), 1, 0);
  paths.onTimeout(3 * PTO);
  assert.deepEqual(log, ['changed 1 fresh', 'forgotten 0', 'none left']);
});

test('RFC 9000 §9.3: only a newer packet moves, and a probing one never does', () => {
  const { paths, from } = made(true, true);
  paths.onNonProbing(paths.active, 5, 0);
  paths.onNonProbing(from(address(3, 4000)), 4, 0);
  paths.onProbing(from(address(4, 4000)), 0);
  assert.equal(paths.active.id, 0);
  paths.onNonProbing(from(address(3, 4000)), 6, 0);
  assert.deepEqual(paths.active.remote, address(3, 4000));
});

test('RFC 9000 §9: packets of a server do not move its client', () => {
  const { paths, log } = made(false, true);
  paths.move(address(9, 1), 0);
  const [former] = [paths.find(address(2, 4000), 0, LOCAL, 0)];
  assert.ok(former);
  paths.onNonProbing(former, 7, 0);
  assert.equal(paths.active.id, 1);
  assert.deepEqual(log, ['changed 1 fresh']);
});

test('a client that moves owes nobody bytes, and forgets the former path once the new one answers', () => {
  const { paths, log, exchange } = made(false, true);
  paths.move(address(9, 1), 0);
  assert.equal(paths.active.budget, Number.POSITIVE_INFINITY);
  exchange(1, () => true);
  assert.deepEqual(log, ['changed 1 fresh', 'validated 1', 'forgotten 0']);
});

const step = fc.oneof(
  fc.record({ kind: fc.constant('packet' as const), host: fc.integer({ min: 2, max: 9 }), newer: fc.boolean() }),
  fc.record({ kind: fc.constant('move' as const), port: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ kind: fc.constant('prefer' as const) }),
  fc.record({ kind: fc.constant('time' as const), us: fc.nat(4 * PTO) }),
  fc.record({ kind: fc.constant('exchange' as const), reachable: fc.nat(15) }),
);

test('whatever comes: few paths, the active one among them, a newcomer has a limit, and every validation ends', () => {
  fc.assert(
    fc.property(fc.boolean(), fc.array(step, { maxLength: 40 }), (isServer, steps) => {
      const { paths, log, exchange, from } = made(isServer, true);
      let now = 0;
      let number = 0;
      for (const one of steps) {
        if (one.kind === 'packet' && isServer) {
          const path = from(address(one.host, 4000));
          path.bytesReceived += 1200;
          if (one.newer) paths.onNonProbing(path, ++number, now);
          else paths.onProbing(path, now);
        } else if (one.kind === 'move' && !isServer) paths.move(address(50, one.port), now);
        else if (one.kind === 'prefer' && !isServer) paths.tryPreferred(address(60, 443), now);
        else if (one.kind === 'time') {
          now += one.us;
          paths.onTimeout(now);
        } else if (one.kind === 'exchange') exchange(now, (path) => ((one.reachable >> (path.id & 3)) & 1) === 1);
        assert.ok(paths.count <= 4);
        const { active } = paths;
        assert.equal(paths.find(active.remote, 0, active.local, 0), active);
        if (isServer && !active.validated) assert.equal(active.budget, 3 * active.bytesReceived - active.bytesSent);
        const ends = log.includes('none left');
        assert.ok(active.validated || active.validation.running || ends, 'nobody asks whether it can be reached');
        if (!isServer) assert.ok(!ends, 'a client has somewhere to go back to');
      }
      for (let turns = 0; paths.deadline() !== NEVER; turns++) {
        assert.ok(turns < 50);
        now = Math.max(now, paths.deadline());
        paths.onTimeout(now);
        exchange(now, () => false);
      }
      assert.ok(paths.active.validated || log.includes('none left'));
      if (!isServer) assert.ok(paths.active.validated);
    }),
    { numRuns: 500 },
  );
});
