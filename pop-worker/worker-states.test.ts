import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WorkerStates } from './worker-states.ts';

const watched = () => {
  const events: string[] = [];
  const states = new WorkerStates({
    draining: (isDraining) => events.push(isDraining ? 'drain' : 'undrain'),
    state: (state) => events.push(state),
    orders: () => events.push('orders'),
  });
  return { states, told: () => events.splice(0) };
};

test('orders change the state of a worker that is up, and sessions are told to go once', () => {
  const { states, told } = watched();
  states.started();
  assert.deepEqual(told(), ['ready']);
  states.order({ local: 'withdraw' });
  assert.deepEqual(told(), ['withdrawn']);
  states.order({ controlPlane: 'drain' });
  assert.deepEqual(told(), ['drain', 'draining']);
  states.order({ local: 'drain' });
  assert.deepEqual(told(), ['orders'], 'it drains already, for another cause too');
  states.order({ controlPlane: 'serve' });
  assert.deepEqual(told(), []);
  states.order({ local: 'serve' });
  assert.deepEqual(told(), ['undrain', 'ready']);
});

test('orders that come before the start hold from the start on, those that come after the stop do nothing', () => {
  const { states, told } = watched();
  states.order({ controlPlane: 'drain' });
  assert.deepEqual(told(), ['drain']);
  assert.equal(states.state, 'starting');
  states.started();
  assert.deepEqual(told(), ['draining']);
  states.stopping();
  assert.deepEqual(told(), ['stopping']);
  states.order({ controlPlane: 'serve' });
  states.started();
  states.stopping();
  assert.deepEqual(told(), []);
  assert.equal(states.state, 'stopping');
});

test('what its own checks have found shows where no order says otherwise', () => {
  const { states, told } = watched();
  states.found('starting');
  states.started();
  assert.deepEqual([states.state, told()], ['starting', []], 'its checks have not been asked');
  states.found('ready');
  states.found('failed');
  assert.deepEqual(told(), ['ready', 'failed']);
  states.order({ controlPlane: 'drain' });
  states.found('ready');
  states.found('failed');
  assert.deepEqual(told(), ['drain', 'draining']);
  states.order({ controlPlane: 'serve' });
  assert.deepEqual(told(), ['undrain', 'failed']);
  states.order({ local: 'withdraw' });
  states.found('ready');
  assert.deepEqual(told(), ['withdrawn']);
  states.stopping();
  states.found('failed');
  assert.deepEqual([states.state, told()], ['stopping', ['stopping']]);
});
