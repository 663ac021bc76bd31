import assert from 'node:assert/strict';
import { test } from 'node:test';
import { controllerNames } from '#protocol/congestion/registry.ts';
import { labelValues } from '#telemetry/metrics.ts';
import { deviceOf, needsNamespaces, World } from './testing/world.ts';

const SERIES = 'cloudbridge_quic_congestion_connections_count';

test('every congestion controller has its series', () => {
  assert.deepEqual([...labelValues(SERIES, 'controller')].sort(), controllerNames().sort());
});

test('CBR_CC goes before the file at a worker, an option before CBR_CC at a device', {
  skip: needsNamespaces,
}, async (t) => {
  const world = new World(t);
  await world.network();
  await world.configure({ listen: 'congestion_control = "newreno"' });
  world.environment = { CBR_CC: 'cubic' };
  await world.startWorker();
  world.environment = { CBR_CC: 'bbrv3' };
  const connections = (name: string) => world.metric(`${SERIES}{controller="${name}"}`);
  const connect = async (n: number, ...options: string[]): Promise<unknown> => {
    const { lines } = await world.connectByCommand(deviceOf('red', n), '--stats', '1', '--socks', '1080', ...options);
    const figures = () => lines.map((line) => JSON.parse(line)).find(({ type }) => type === 'statistics');
    await world.until('the device tells its figures', () => figures() !== undefined);
    return figures().congestionControl;
  };
  assert.equal(await connect(2), 'bbrv3');
  assert.equal(await connect(3, '--congestion-control', 'newreno'), 'newreno');
  assert.deepEqual([await connections('cubic'), await connections('newreno')], [2, 0]);
});

test('without CBR_CC a worker does as its file says', { skip: needsNamespaces }, async (t) => {
  const world = new World(t);
  await world.network();
  await world.configure({ listen: 'congestion_control = "bbrv3"' });
  await world.startWorker();
  const device = await world.connect(deviceOf('blue', 2));
  await device.reports.of('up');
  assert.equal(await world.metric(`${SERIES}{controller="bbrv3"}`), 1);
});
