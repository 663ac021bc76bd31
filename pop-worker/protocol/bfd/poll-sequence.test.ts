import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PollSequence } from './poll-sequence.ts';

test('a sequence lasts from the request to a Final behind its first Poll', () => {
  const poll = new PollSequence();
  assert.equal(poll.active, false);
  assert.equal(poll.onFinal(), false, 'of nothing');
  poll.onPlain();
  assert.equal(poll.active, false);
  poll.request();
  assert.equal(poll.active, true);
  assert.equal(poll.onFinal(), false, 'no Poll has left yet');
  assert.equal(poll.active, true);
  poll.onPlain();
  assert.equal(poll.active, true);
  poll.onSent();
  assert.equal(poll.onFinal(), true);
  assert.equal(poll.active, false);
  assert.equal(poll.onFinal(), false, 'once');
});

test('what changes before the first Poll has left is part of it', () => {
  const poll = new PollSequence();
  poll.request();
  poll.request();
  poll.onSent();
  assert.equal(poll.onFinal(), true);
  poll.onPlain();
  assert.equal(poll.active, false);
});

test('what changes later has a sequence of its own, behind a packet without Final (RFC 5880 §6.8.3)', () => {
  const poll = new PollSequence();
  poll.request();
  poll.onSent();
  poll.request();
  assert.equal(poll.onFinal(), false, 'the peer does not know all');
  assert.equal(poll.active, false);
  assert.equal(poll.onFinal(), false);
  poll.onPlain();
  assert.equal(poll.active, true);
  assert.equal(poll.onFinal(), false, 'its own Poll has not left');
  poll.onSent();
  assert.equal(poll.onFinal(), true);
});

test('a request between Final and the next packet waits for that', () => {
  const poll = new PollSequence();
  poll.request();
  poll.onSent();
  poll.onFinal();
  poll.request();
  assert.equal(poll.active, false);
  poll.onPlain();
  assert.equal(poll.active, true);
  poll.onSent();
  poll.onFinal();
  poll.onPlain();
  poll.request();
  assert.equal(poll.active, true, 'at once when none is under way');
});
