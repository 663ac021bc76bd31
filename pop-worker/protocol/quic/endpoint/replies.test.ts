import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Burst } from '../../burst.ts';
import { address } from '../testing/pair.ts';
import { Replies } from './replies.ts';

const local = new Int32Array(6);

const reply = (replies: Replies, bytes: number, now: number): boolean => {
  const place = replies.begin(1200, now);
  if (place === undefined) return false;
  place.buffer.fill(bytes, place.at, place.at + bytes);
  replies.commit(place.at + bytes, address(2, 1), 0, local, 0);
  return true;
};

describe('replies', () => {
  it('are no more than so many in a second', () => {
    const replies = new Replies(10);
    const out = new Burst(1 << 20, 256);
    let sent = 0;
    for (let now = 0; now <= 2_000_000; now += 10_000) {
      if (reply(replies, 30, now)) sent++;
      replies.flush(out);
    }
    assert.ok(sent >= 29 && sent <= 31, `${sent}`);
  });

  it('are no more than fit the queue, and leave in order', () => {
    const replies = new Replies(10_000);
    let taken = 0;
    while (reply(replies, 20 + (taken % 20), 0)) taken++;
    assert.ok(taken >= 60 && taken < 5000, `${taken}`);
    const out = new Burst(1 << 20, 8192);
    replies.flush(out);
    assert.equal(replies.pending, false);
    let at = 0;
    for (let i = 0; i < taken; i++) {
      assert.equal(out.buffer[at], 20 + (i % 20));
      at += 20 + (i % 20);
    }
    assert.equal(at, out.used);
  });
});
