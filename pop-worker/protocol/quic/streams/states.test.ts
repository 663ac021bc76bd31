import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReceiveCredit } from './flow-control.ts';
import { BlockPool } from './reassembly.ts';
import { type ReceiveState, ReceiveStream } from './receive-stream.ts';
import { type SendState, SendStream } from './send-stream.ts';

const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

type SendStep =
  | 'write'
  | 'fin'
  | 'send'
  | 'send fin'
  | 'blocked'
  | 'ack'
  | 'lose'
  | 'reset'
  | 'send reset'
  | 'ack reset';

const sendSteps: Record<SendStep, (stream: SendStream) => void> = {
  write: (s) => s.write(bytes, false),
  fin: (s) => s.write(bytes.subarray(8), true),
  send: (s) => s.onFrameSent(0, 8, false),
  'send fin': (s) => s.onFrameSent(0, 8, true),
  blocked: (s) => s.onBlockedSent(),
  ack: (s) => s.onFrameAcked(0, 8, true),
  lose: (s) => s.onFrameLost(0, 8, true),
  reset: (s) => s.reset(1),
  'send reset': (s) => s.onResetWritten(),
  'ack reset': (s) => s.onResetAcked(),
};

/** RFC 9000 §3.1, figure 2: every arrow, and what must not move. */
const sendTable: [steps: SendStep[], state: SendState, terminal: boolean][] = [
  [[], 'ready', false],
  [['write'], 'ready', false],
  [['write', 'send'], 'send', false],
  [['write', 'blocked'], 'send', false],
  [['write', 'fin', 'send fin'], 'dataSent', false],
  [['write', 'fin', 'send fin', 'lose'], 'dataSent', false],
  [['write', 'fin', 'send fin', 'ack'], 'dataRecvd', true],
  [['write', 'fin', 'send fin', 'lose', 'ack'], 'dataRecvd', true],
  [['write', 'fin', 'send fin', 'ack', 'reset'], 'dataRecvd', true],
  [['write', 'fin', 'send fin', 'ack', 'lose'], 'dataRecvd', true],
  [['reset', 'send reset'], 'resetSent', false],
  [['write', 'send', 'reset', 'send reset'], 'resetSent', false],
  [['write', 'fin', 'send fin', 'reset', 'send reset'], 'resetSent', false],
  [['write', 'send', 'reset', 'send reset', 'ack'], 'resetSent', false],
  [['write', 'send', 'reset', 'send reset', 'ack reset'], 'resetRecvd', true],
  [['write', 'send', 'reset', 'send reset', 'ack reset', 'lose'], 'resetRecvd', true],
];

for (const [steps, state, terminal] of sendTable) {
  test(`figure 2: ${steps.join(', ') || 'new'}: ${state}`, () => {
    const stream = new SendStream();
    stream.limit = 100;
    for (const step of steps) sendSteps[step](stream);
    assert.deepEqual([stream.state, stream.isTerminal], [state, terminal]);
    if (terminal || state === 'resetSent') assert.equal(stream.select(100), false);
    if (terminal) assert.equal(stream.buffer.chunkCount, 0);
  });
}

type ReceiveStep = 'first' | 'last' | 'fin' | 'all' | 'consume' | 'consume 4' | 'reset' | 'stop';

const receiveSteps: Record<ReceiveStep, (stream: ReceiveStream) => void> = {
  first: (s) => s.receive(0, bytes, 0, 4, false),
  last: (s) => s.receive(4, bytes, 4, 8, true),
  fin: (s) => s.receive(8, bytes, 8, 8, true),
  all: (s) => s.receive(0, bytes, 0, 8, true),
  consume: (s) => s.consume(8),
  'consume 4': (s) => s.consume(4),
  reset: (s) => s.reset(8),
  stop: (s) => s.stop(1),
};

/** RFC 9000 §3.2, figure 3. */
const receiveTable: [steps: ReceiveStep[], state: ReceiveState, terminal: boolean, delivered: number, fin: boolean][] =
  [
    [[], 'recv', false, 0, false],
    [['first'], 'recv', false, 4, false],
    [['last'], 'sizeKnown', false, 0, false],
    [['fin'], 'sizeKnown', false, 0, false],
    [['last', 'first'], 'dataRecvd', false, 8, true],
    [['first', 'last'], 'dataRecvd', false, 8, true],
    [['all'], 'dataRecvd', false, 8, true],
    [['all', 'all', 'last'], 'dataRecvd', false, 8, true],
    [['all', 'consume 4'], 'dataRecvd', false, 8, true],
    [['all', 'consume'], 'dataRead', true, 8, true],
    [['reset'], 'resetRecvd', true, 0, false],
    [['first', 'reset'], 'resetRecvd', true, 4, false],
    [['last', 'reset'], 'resetRecvd', true, 0, false],
    [['all', 'reset'], 'dataRecvd', false, 8, true],
    [['all', 'reset', 'consume'], 'dataRead', true, 8, true],
    [['reset', 'all'], 'resetRecvd', true, 0, false],
    [['stop'], 'recv', false, 0, false],
    [['stop', 'reset'], 'resetRecvd', true, 0, false],
    [['first', 'stop', 'last'], 'sizeKnown', true, 4, false],
  ];

for (const [steps, state, terminal, delivered, fin] of receiveTable) {
  test(`figure 3: ${steps.join(', ') || 'new'}: ${state}`, () => {
    const credit = new ReceiveCredit();
    credit.window.reuse(100, 100, 0);
    const seen: number[] = [];
    let fins = 0;
    const target = {
      receiveData: (_: number, buffer: Uint8Array, start: number, end: number, last: boolean): void => {
        seen.push(...buffer.subarray(start, end));
        if (last) fins++;
      },
    };
    const stream = new ReceiveStream(credit, { now: 0, rttUs: 1 }, target, new BlockPool());
    stream.reuse(0, 50, 50);
    for (const step of steps) receiveSteps[step](stream);
    assert.deepEqual([stream.state, stream.isTerminal, fins], [state, terminal, fin ? 1 : 0]);
    assert.deepEqual(seen, [...bytes.subarray(0, delivered)]);
    assert.ok(credit.received <= 8);
    if (terminal) assert.equal(credit.window.consumed, credit.received);
  });
}
