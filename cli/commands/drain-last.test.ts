import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '@bufbuild/protobuf';
import { lastWarning } from './drain-last.ts';

const worker = (pop: string, health: string, sessions = 0, connected = true): JsonObject => ({
  ...{ pop, id: 'w1' },
  status: { health, sessions, connected },
});
const isMoscow = ({ pop }: JsonObject): boolean => pop === 'moscow';
const moscow = worker('moscow', 'HEALTH_SERVING', 7);

test('whoever drains the last that announce is warned, and told how many are left', () => {
  for (const others of [
    [],
    [worker('frankfurt', 'HEALTH_DRAINING')],
    [worker('frankfurt', 'HEALTH_FAILED'), { pop: 'frankfurt', id: 'w2' }],
    [worker('frankfurt', 'HEALTH_SERVING', 9, false)],
  ])
    assert.match(lastWarning([moscow, ...others], isMoscow) ?? '', /nobody else is known to announce.*\(7 now\)/);
  assert.match(lastWarning([worker('moscow', 'HEALTH_DRAINING')], isMoscow, true) ?? '', /Nothing is announced/);
});

test('there is nothing to warn of while others announce, or where nobody did', () => {
  const frankfurt = worker('frankfurt', 'HEALTH_SERVING');
  assert.equal(lastWarning([moscow, frankfurt], isMoscow), undefined);
  assert.equal(lastWarning([moscow, frankfurt], isMoscow, true), undefined);
  assert.equal(lastWarning([worker('moscow', 'HEALTH_DRAINING', 7)], isMoscow), undefined);
  assert.equal(lastWarning([], isMoscow), undefined);
  assert.equal(lastWarning([], isMoscow, true), undefined);
});
