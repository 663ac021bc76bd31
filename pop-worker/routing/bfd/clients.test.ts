import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nowUs } from '#host/clock/clock.ts';
import { needsRoot } from '#host/testing/namespace.ts';
import type { AuthenticationOptions } from '#protocol/bfd/authentication/table.ts';
import type { Timing } from '#protocol/bfd/parameters.ts';
import { Diagnostic, State } from '#protocol/bfd/state.ts';

import { type BfdClient, BfdClients, type BfdInterest, type BfdPath, type BfdSource } from './clients.ts';
import type { BfdSessionConfig } from './setup.ts';
import { FAST, Heard, startThread, until } from './testing/heard.ts';
import { testLink } from './testing/link.ts';
import type { BfdListener, ThreadSession } from './thread-session.ts';

const PATH: BfdPath = { local: '192.0.2.1', remote: '192.0.2.2', multiHop: false };
const timing = (ms: number): Timing => ({ desiredMinTxUs: ms * 1000, requiredMinRxUs: ms * 1000, detectMult: 3 });

/** Sessions that are opened, with what becomes of them, in place of a thread's. */
const open = () => {
  const opened: { config: BfdSessionConfig; listener: BfdListener; timings: Timing[]; closed: boolean }[] = [];
  const thread = {
    open: (config: BfdSessionConfig, listener: BfdListener) => {
      const one = { config, listener, timings: [] as Timing[], closed: false };
      opened.push(one);
      return {
        setTiming: (asked: Timing) => void one.timings.push(asked),
        close: () => {
          one.closed = true;
        },
      } as unknown as ThreadSession;
    },
  } satisfies BfdSource;
  const change = (index: number, to: State, remoteState: State): void =>
    opened[index]?.listener.changed({
      from: State.down,
      to,
      remoteState,
      diagnostic: Diagnostic.none,
      remoteDiagnostic: 0,
      remoteIndependent: false,
      isOwn: false,
      atUs: nowUs(),
    });
  return { clients: new BfdClients(thread), opened, change };
};

const interest = (said: string[], options: Partial<BfdInterest> = {}): BfdInterest => ({
  timing: timing(50),
  hasOwnLiveness: true,
  patienceUs: 0,
  told: (verdict) => void said.push(verdict),
  refused: (message) => void said.push(`refused: ${message}`),
  unopened: (message) => void said.push(`unopened: ${message}`),
  ...options,
});

test('clients of one path share a session, which is as fast as the fastest wants (RFC 5882 §4.4, §4.1)', () => {
  const { clients, opened, change } = open();
  const [first, second]: [string[], string[]] = [[], []];
  const slow = clients.join(PATH, interest(first, { timing: timing(300) }));
  const fast = clients.join({ ...PATH }, interest(second));
  assert.equal(opened.length, 1);
  assert.deepEqual(opened[0]?.timings, [timing(50)]);
  change(0, State.up, State.up);
  assert.deepEqual([first, second], [['working'], ['working']]);
  fast.leave();
  fast.leave();
  assert.deepEqual(opened[0]?.timings, [timing(50), timing(300)]);
  change(0, State.down, State.down);
  assert.deepEqual([first, second], [['working', 'failed'], ['working']], 'who left hears nothing');
  slow.leave();
  assert.equal(opened[0]?.closed, true);
  clients.join(PATH, interest(first));
  assert.equal(opened.length, 2, 'a new one');
});

test('other paths have sessions of their own', () => {
  const { clients, opened } = open();
  const paths = [PATH, { ...PATH, remote: '192.0.2.3' }, { ...PATH, multiHop: true }, { ...PATH, device: 'eth0' }];
  for (const path of paths) clients.join(path, interest([]));
  assert.equal(opened.length, paths.length);
});

test('who comes later is told what is so', () => {
  const { clients, change } = open();
  clients.join(PATH, interest([]));
  change(0, State.up, State.up);
  const said: string[] = [];
  const late = clients.join(PATH, interest(said));
  assert.deepEqual(said, ['working']);
  assert.equal(late.mayEstablish(true), true);
});

test('each client has the patience and the liveness of its own', async () => {
  const { clients, change } = open();
  const said = { bgp: [] as string[], patient: [] as string[], route: [] as string[] };
  clients.join(PATH, interest(said.bgp));
  clients.join(PATH, interest(said.patient, { patienceUs: 30_000 }));
  clients.join(PATH, interest(said.route, { hasOwnLiveness: false }));
  change(0, State.up, State.up);
  change(0, State.down, State.adminDown);
  assert.deepEqual(Object.values(said), [['working'], ['working'], ['working', 'failed']]);
  change(0, State.up, State.up);
  change(0, State.down, State.down);
  assert.deepEqual(said.patient, ['working', 'working']);
  change(0, State.up, State.up);
  change(0, State.down, State.down);
  await until('patience ends', () => said.patient.at(-1) === 'failed');
  assert.deepEqual(said.patient, ['working', 'working', 'failed'], 'what was over in time was not told');
  assert.deepEqual(said.bgp, ['working', 'working', 'failed', 'working', 'failed']);
});

test('a path is not shared by who wants other keys', () => {
  const { clients } = open();
  const key = (text: string): AuthenticationOptions => ({
    type: 'keyed_sha1',
    keys: [{ id: 1, secret: new TextEncoder().encode(text) }],
  });
  clients.join({ ...PATH, authentication: key('a') }, interest([]));
  clients.join({ ...PATH, authentication: key('a') }, interest([]));
  for (const other of [{}, { authentication: key('b') }, { authentication: key('a'), pointToPoint: true }]) {
    assert.throws(() => clients.join({ ...PATH, ...other }, interest([])), {
      name: 'BfdPathConflict',
      message: /^BFD from 192\.0\.2\.1 to 192\.0\.2\.2 is wanted with other keys/,
    });
  }
});

test('all are told of a session that cannot be, and may try again', () => {
  const { clients, opened } = open();
  const [first, second]: [string[], string[]] = [[], []];
  for (const said of [first, second]) clients.join(PATH, interest(said));
  opened[0]?.listener.unopened?.('no address');
  opened[0]?.listener.refused('no.');
  assert.deepEqual(
    [first, second],
    [
      ['unopened: no address', 'refused: no.'],
      ['unopened: no address', 'refused: no.'],
    ],
  );
  clients.join(PATH, interest(first));
  assert.equal(opened.length, 2);
});

test('over a link: a client is told that its path works, and that it failed', { skip: needsRoot }, async (t) => {
  const [a, b] = testLink(t);
  const [one, other] = [startThread(t, { namespace: a.path }), startThread(t, { namespace: b.path })];
  const said: string[] = [];
  const client: BfdClient = new BfdClients(one).join(
    { local: a.address4, remote: b.address4, device: a.device, multiHop: false },
    interest(said),
  );
  assert.equal(client.mayEstablish(true), false);
  const theirs = new Heard(other, { ...FAST, local: b.address4, remote: a.address4 });
  theirs.session.disable(Diagnostic.administrativelyDown);
  await until('nothing is held up by what the peer does not want', () => client.mayEstablish(true));
  theirs.session.enable();
  await until('the path works', () => said.length > 0);
  assert.equal(client.mayEstablish(true), true);
  theirs.session.disable(Diagnostic.forwardingPlaneReset);
  await until('it has it Down', () => theirs.is(State.adminDown));
  theirs.session.enable();
  await theirs.up();
  assert.ok(!said.includes('failed'), 'AdminDown is no failure');
  await other.stop();
});

test('a client that wants another pace keeps its session (RFC 5880 §6.8.3)', () => {
  const { clients, opened } = open();
  const client = clients.join(PATH, interest([], { timing: timing(300) }));
  client.retime(timing(300));
  client.retime(timing(50));
  assert.deepEqual(opened[0]?.timings, [timing(50)]);
  client.leave();
  client.retime(timing(100));
  assert.deepEqual([opened.length, opened[0]?.timings.length, opened[0]?.closed], [1, 1, true]);
});
