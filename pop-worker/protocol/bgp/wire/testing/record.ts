import assert from 'node:assert/strict';
import { BgpError } from '../../errors.ts';
import type { MessageSink } from '../messages.ts';

/** A sink that notes the name of each message and its body, and goes on until it has `most`. */
export const recordingSink = (most = Number.POSITIVE_INFINITY) => {
  const seen: { readonly name: string; readonly body: Uint8Array }[] = [];
  const note =
    (name: string) =>
    (buffer: Uint8Array = new Uint8Array(0), start = 0, end = buffer.length): boolean => {
      seen.push({ name, body: buffer.slice(start, end) });
      return seen.length < most;
    };
  const sink: MessageSink = {
    open: note('open'),
    update: note('update'),
    notification: note('notification'),
    keepalive: note('keepalive'),
    routeRefresh: note('route-refresh'),
  };
  return { sink, seen };
};

/** The peer's fault that `act` raises. */
export const remoteFault = (act: () => unknown): BgpError => {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof BgpError && error.fault === 'remote', String(error));
    return error;
  }
  return assert.fail('nothing was thrown');
};

/** The bytes that a writer puts into the middle of a buffer. */
export const written = (write: (buffer: Uint8Array, at: number, end: number) => number, room = 5000): Uint8Array => {
  const buffer = new Uint8Array(room + 20).fill(0xa5);
  const end = write(buffer, 7, 7 + room);
  assert.ok(end <= 7 + room);
  assert.ok(buffer.subarray(0, 7).every((byte) => byte === 0xa5));
  return buffer.slice(7, end);
};

/** Where the body of a message begins, for parsers that are given one. */
export const BODY = 19;
