import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { BgpCommand } from '#pop-worker/routing/bgp/messages.ts';
import type { BgpNeighbourConfig } from '#pop-worker/routing/bgp/setup.ts';
import { BgpFile } from '#settings/bgp-file.ts';
import { parseToml } from '#settings/toml-file.ts';
import { createLogger } from '#telemetry/logger.ts';
import { askProgram } from '../admin/client.ts';
import { neighboursOf } from './config.ts';
import { FileNeighbours } from './file-neighbours.ts';
import { RunningSpeaker } from './testing/running.ts';

const HEAD = 'as = 64512\nrouter_id = "192.0.2.2"\n';
const DIRECT = '[[neighbor]]\nname = "direct"\naddress = "192.0.2.1"\nas = 64500\n';

const wanted = (text: string): BgpNeighbourConfig[] =>
  neighboursOf(parseToml(BgpFile, HEAD + text, 'x.toml'), 'x.toml');

/** A BGP thread that notes what it is told to have. */
const made = (t: TestContext) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const added: string[] = [];
  const posted: BgpCommand[] = [];
  const lines: string[] = [];
  const log = createLogger({ level: 'info', write: (line) => void lines.push(line), now: () => new Date(0) });
  const thread = {
    add: ({ address }: BgpNeighbourConfig) => added.push(address),
    post: (command: BgpCommand) => void posted.push(command),
  };
  const neighbours = new FileNeighbours(thread, log);
  t.after(() => neighbours.close());
  return { neighbours, added, posted, lines };
};

test('a link-local neighbour is found by the name of its interface, or by interface', (t) => {
  const { neighbours, added } = made(t);
  const one = '[[neighbor]]\naddress = "fe80::1%lo"\nas = 1\n';
  neighbours.set(wanted(`${one}[[neighbor]]\naddress = "fe80::2"\ninterface = "lo"\nas = 2\n`));
  assert.deepEqual(added, ['fe80::1%1', 'fe80::2%1']);
});

test('one whose interface is not there is refused, told once, and tried again', (t) => {
  const { neighbours, added, lines } = made(t);
  neighbours.set(wanted('[[neighbor]]\nname = "lost"\naddress = "fe80::1%nowhere"\nas = 1\n'));
  const reason = 'this machine has no interface "nowhere"';
  assert.deepEqual(neighbours.refused, [{ name: 'lost', address: 'fe80::1%nowhere', reason }]);
  for (let round = 0; round < 3; round++) t.mock.timers.tick(10_000);
  assert.deepEqual([added, lines.length, neighbours.count], [[], 1, 1]);
});

test('one that the BGP thread refuses is tried again until it has it', (t) => {
  const { neighbours, added } = made(t);
  neighbours.set(wanted(DIRECT));
  neighbours.refuse(1, 'EADDRINUSE');
  assert.deepEqual(
    neighbours.refused.map(({ reason }) => reason),
    ['EADDRINUSE'],
  );
  t.mock.timers.tick(10_000);
  assert.deepEqual(added, ['192.0.2.1', '192.0.2.1']);
  neighbours.accepted(2);
  assert.deepEqual([neighbours.refused, neighbours.nameOf(2)], [[], 'direct']);
  t.mock.timers.tick(10_000);
  assert.equal(added.length, 2);
});

test('sessions stay where routes are others, and end where anything else is', (t) => {
  const { neighbours, added, posted } = made(t);
  neighbours.set(wanted(DIRECT));
  neighbours.set(wanted(`${DIRECT}export = "own"\n`));
  neighbours.set(wanted(`${DIRECT}export = "own"\nshutdown = "noon"\n`));
  neighbours.set(wanted(`${DIRECT}export = "own"\n`));
  assert.deepEqual(
    posted.map(({ type }) => type),
    ['change', 'stop', 'start'],
  );
  neighbours.set(wanted(`${DIRECT}export = "own"\nhold_seconds = 9\n`));
  neighbours.set([]);
  assert.deepEqual(posted.slice(3), [
    { type: 'remove', id: 1 },
    { type: 'remove', id: 2 },
  ]);
  assert.equal(added.length, 2);
});

test('a speaker shows whom it cannot have, and counts them', async (t) => {
  const speaker = await RunningSpeaker.start(t, [{ name: 'lost', address: 'fe80::9%nowhere', as: 1 }]);
  const { refused } = (await askProgram('bgp', speaker.socket, 'status')) as { readonly refused: readonly object[] };
  const reason = 'this machine has no interface "nowhere"';
  assert.deepEqual(refused, [{ name: 'lost', address: 'fe80::9%nowhere', reason }]);
  assert.equal(await speaker.metric('cloudbridge_bgp_refused_neighbours_count'), 1);
});
