import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode, UpdateSubcode } from '../errors.ts';
import { CAPTURED } from './testing/captured.ts';
import { hex, unhex } from './testing/hex.ts';
import { BODY, remoteFault } from './testing/record.ts';
import { UpdateFields } from './update-fields.ts';

const parse = (message: Uint8Array, end = message.length): UpdateFields => {
  const fields = new UpdateFields();
  fields.parse(message, BODY, end);
  return fields;
};

test('the fields of a real UPDATE (RFC 4271 §4.3)', () => {
  const message = CAPTURED.old.as4Path;
  const fields = parse(message);
  assert.equal(fields.withdrawnAt, fields.withdrawnEnd);
  assert.equal(fields.attributesEnd - fields.attributesAt, 0x28);
  assert.equal(hex(message, fields.nlriAt, fields.nlriEnd), '080a');
});

test('withdrawn routes alone', () => {
  const message = unhex(`${'00'.repeat(BODY)} 0004 180a0a03 0000`);
  const fields = parse(message);
  assert.equal(hex(message, fields.withdrawnAt, fields.withdrawnEnd), '180a0a03');
  assert.equal(fields.attributesAt, fields.attributesEnd);
  assert.equal(fields.nlriAt, fields.nlriEnd);
});

test('lengths beyond the message are a Malformed Attribute List (RFC 7606 §3 b)', () => {
  for (const body of ['0001 0000', '0000 0001', 'ffff 0000', '0000 ffff', '0001 00 00', '0002 0000']) {
    const error = remoteFault(() => parse(unhex(`${'00'.repeat(BODY)} ${body}`)));
    assert.deepEqual([error.code, error.subcode], [ErrorCode.update, UpdateSubcode.malformedAttributeList], body);
  }
});
