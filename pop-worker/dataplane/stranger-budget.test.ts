import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StrangerBudget } from './stranger-budget.ts';

test('of the time that others use strangers get a quarter', () => {
  const budget = new StrangerBudget(0, 0);
  let now = 0;
  let given = 0;
  for (let turn = 0; turn < 1000; turn++) {
    now += 400;
    budget.refill(now, 0);
    while (budget.isLeft) {
      now += 30;
      given += 30;
      budget.spend(now);
    }
  }
  const used = 1000 * 400;
  assert.ok(Math.abs(given / used - 0.25) < 0.01, `${given / used}`);
});

test('of the time that nobody uses they may have all', () => {
  const budget = new StrangerBudget(0, 0);
  let [now, idle, given] = [0, 0, 0];
  for (let turn = 0; turn < 1000; turn++) {
    // Half of it idle.
    now += 400;
    idle += 200;
    budget.refill(now, idle);
    while (budget.isLeft) {
      now += 30;
      given += 30;
      budget.spend(now);
    }
  }
  assert.ok(Math.abs(given / (1000 * 200) - 1.25) < 0.02, `${given / (1000 * 200)}`);
});

test('a long pause is no credit for a long turn: a millisecond, and the stranger who is being heard', () => {
  const budget = new StrangerBudget(0, 0);
  budget.refill(1e9, 1e9);
  let now = 1e9;
  while (budget.isLeft) {
    now += 300;
    budget.spend(now);
  }
  assert.equal(now - 1e9, 1200);
  assert.equal(budget.untilLeftUs, 201);
  budget.refill(now + 201, 1e9 + 201);
  assert.equal(budget.isLeft, true);
});
