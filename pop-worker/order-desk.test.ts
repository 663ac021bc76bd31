import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { ControlContactSchema } from '#proto/gen/cloudbridge/v1/pop_pb.ts';
import { createLogger } from '#telemetry/logger.ts';
import { KeptOrder } from './kept-order.ts';
import { OrderDesk } from './order-desk.ts';
import { WorkerStates } from './worker-states.ts';

const deskOf = (t: TestContext) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-desk-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const lines: string[] = [];
  const log = createLogger({ level: 'info', write: (line) => lines.push(line), now: () => new Date(0) });
  const control = { connected: true, silentMs: 0 };
  const run = () => {
    const states = new WorkerStates({ draining: () => {}, state: () => {}, orders: () => {} });
    const kept = new KeptOrder(folder, (reason) => assert.fail(reason));
    const view = () => ({ silentMs: control.silentMs, contact: create(ControlContactSchema, control) });
    const desk = new OrderDesk({ states, kept, view, log });
    desk.begin();
    states.started();
    return { desk, is: () => [states.state, states.orders.local] };
  };
  return { run, control, lines };
};

test('what the control plane drains is undrained at the machine only while it is not reached', (t) => {
  const { run, control, lines } = deskOf(t);
  const { desk, is } = run();
  desk.asked(['worker']);
  desk.order('serve');
  assert.deepEqual(is(), ['draining', 'serve']);
  control.silentMs = 15_000;
  desk.order('serve');
  assert.deepEqual(is(), ['ready', 'undrain']);
  assert.match(lines.join(''), /warn.*undrained at this machine against the control plane's drain.*"worker"/);
  desk.order('drain');
  assert.deepEqual(is(), ['draining', 'drain']);
  control.silentMs = 0;
  control.connected = false;
  desk.order('serve');
  assert.deepEqual(is(), ['ready', 'undrain']);
});

test('an undrain at the machine outlives restarts and the same word, and ends by a new one on draining', (t) => {
  const { run, control, lines } = deskOf(t);
  control.connected = false;
  const first = run();
  first.desk.asked(['worker', 'pop']);
  first.desk.order('serve');
  const next = run();
  assert.match(lines.at(-1) ?? '', /in an earlier run/);
  control.connected = true;
  next.desk.asked(['worker', 'pop']);
  next.desk.heard();
  assert.deepEqual(next.is(), ['ready', 'undrain'], 'nothing new was said');
  next.desk.asked(['worker']);
  assert.deepEqual(next.is(), ['ready', 'undrain'], 'an undrain drains nobody');
  const after = run();
  after.desk.asked(['worker', 'pop']);
  assert.deepEqual(after.is(), ['draining', 'serve'], 'the PoP was drained anew');
  assert.match(lines.at(-1) ?? '', /the undrain at this machine is over/);
  assert.deepEqual(run().is(), ['ready', 'serve'], 'and nothing is kept');
});

test('an undrain at the machine is over once the control plane drains no longer, also when that was heard late', (t) => {
  const { run, control } = deskOf(t);
  control.connected = false;
  const first = run();
  first.desk.asked(['pop']);
  first.desk.order('serve');
  const next = run();
  next.desk.heard();
  assert.deepEqual(next.is(), ['ready', 'serve']);
  first.desk.asked([]);
  assert.deepEqual(first.is(), ['ready', 'serve']);
  first.desk.asked(['pop']);
  assert.deepEqual(first.is(), ['draining', 'serve']);
});
