import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { healthRequest, servingStatus } from './grpc-message.ts';

const STATUSES = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'];

test('a request names its service, or has no field at all', () => {
  assert.equal(healthRequest('').toString('hex'), '0000000000');
  assert.equal(healthRequest('a').toString('hex'), '00000000030a0161');
  assert.equal(healthRequest('x'.repeat(127)).length, 5 + 2 + 127);
  assert.throws(() => healthRequest('x'.repeat(128)), RangeError);
});

test('each status is read, and nothing of another form is one', () => {
  for (const [value, status] of STATUSES.entries())
    assert.equal(servingStatus(Buffer.from([0, 0, 0, 0, 2, 8, value])), status);
  const whole = Buffer.from('00000000020801', 'hex');
  for (let length = 0; length < whole.length; length++)
    assert.equal(servingStatus(whole.subarray(0, length)), undefined);
  assert.equal(servingStatus(Buffer.concat([whole, whole])), undefined);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
      const status = servingStatus(Buffer.from(bytes));
      const isOne =
        bytes.length === 5 ? Buffer.from(bytes).equals(Buffer.alloc(5)) : bytes[5] === 8 && bytes.length === 7;
      assert.ok(status === undefined || (isOne && STATUSES.includes(status)));
    }),
  );
});
