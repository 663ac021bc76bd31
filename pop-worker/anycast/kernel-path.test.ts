import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KernelPath } from './kernel-path.ts';

const RULES = { limitMs: 120, mostMs: 120 };

/** @param answers to the nth time that it is sent */
const asked = (answers: (path: KernelPath, nonce: number, time: number) => void, rules = RULES, excusedUs = 0) => {
  let time = 0;
  const sent: (readonly (4 | 6)[])[] = [];
  const send = (nonce: number, versions: readonly (4 | 6)[]): void => {
    sent.push(versions);
    answers(path, nonce, ++time);
  };
  const path: KernelPath = new KernelPath({ versions: [4, 6], device: 'cb0', send }, rules, () => () => excusedUs);
  return { path, sent };
};
const takes = (path: KernelPath, nonce: number, version: 4 | 6, isHandled = true): void =>
  queueMicrotask(() => path.take({ version, nonce, isHandled }));

test('each version has to come back; what is lost is sent again, for a full queue is no broken path', async () => {
  const { path, sent } = asked((to, nonce, time) => {
    if (time === 1) takes(to, nonce, 4);
    if (time === 2) takes(to, nonce, 6);
  });
  assert.equal(await path.ask(), undefined);
  assert.deepEqual(sent, [[4, 6], [6]]);
});

test('what does not come back, comes late from a question before, or untouched, is told in words', async () => {
  const silent = asked(() => {});
  assert.equal(await silent.path.ask(), 'packets do not come back through cb0 within 120 ms: IPv4 and IPv6');
  const old = asked((to, nonce) => {
    takes(to, nonce, 4);
    takes(to, nonce - 1, 6);
  });
  assert.equal(await old.path.ask(), 'packets do not come back through cb0 within 120 ms: IPv6');
  const bare = asked((to, nonce) => takes(to, nonce, 4, false));
  assert.equal(await bare.path.ask(), 'nftables does not handle what comes from cb0: IPv4');
});

test('time in which data-plane threads waited for a core is given again', async () => {
  const answers = (to: KernelPath, nonce: number, time: number): void => {
    if (time < 4) return;
    takes(to, nonce, 4);
    takes(to, nonce, 6);
  };
  const { path } = asked(answers, { limitMs: 60, mostMs: 10_000 }, 10_000_000);
  assert.equal(await path.ask(), undefined);
  assert.equal(path.late, 1);
});
