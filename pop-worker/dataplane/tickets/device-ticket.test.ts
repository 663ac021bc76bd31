import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type DeviceTicket, readDeviceTicket, writeDeviceTicket } from './device-ticket.ts';

const TICKET: DeviceTicket = {
  ...{ tenant: 'red', device: 'phone', tokenId: 't1' },
  ...{ member: 0x0102, epoch: 0x01_9c_0a_0b_0c_0d, expiresAt: 0x70_00_00_01 },
};
const written = (ticket: DeviceTicket = TICKET): Uint8Array => {
  const bytes = writeDeviceTicket(ticket);
  assert.ok(bytes);
  return bytes;
};

test('a ticket by its bytes', () => {
  assert.equal(
    Buffer.from(written()).toString('hex'),
    `01${'019c0a0b0c0d'}${'0102'}${'000070000001'}03${Buffer.from('red').toString('hex')}05${Buffer.from('phone').toString('hex')}02${Buffer.from('t1').toString('hex')}`,
  );
});

test('what is written is read again, and no part of it, nor more, is a ticket', () => {
  const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 60 });
  const tickets = fc.record({
    ...{
      tenant: name,
      device: name,
      tokenId: fc.string({ maxLength: 60 }),
      member: fc.integer({ min: 1, max: 0xffff }),
    },
    ...{ epoch: fc.maxSafeNat().map((n) => n % 2 ** 48), expiresAt: fc.maxSafeNat().map((n) => n % 2 ** 48) },
  });
  fc.assert(
    fc.property(tickets, (ticket) => {
      const bytes = written(ticket);
      assert.deepEqual(readDeviceTicket(bytes), { ...ticket });
      for (let cut = 0; cut < bytes.length; cut++) assert.equal(readDeviceTicket(bytes.subarray(0, cut)), undefined);
      assert.equal(readDeviceTicket(Uint8Array.of(...bytes, 0)), undefined);
    }),
  );
});

test('another format, or anything else, is no ticket', () => {
  const bytes = written();
  for (const format of [0, 2, 255])
    assert.equal(readDeviceTicket(Uint8Array.of(format, ...bytes.subarray(1))), undefined);
  const nobody = bytes.slice();
  nobody.fill(0, 7, 9);
  assert.equal(readDeviceTicket(nobody), undefined, 'member 0');
  assert.equal(readDeviceTicket(written({ ...TICKET, tenant: '' })), undefined);
  const broken = bytes.slice();
  broken[16] = 0xff;
  assert.equal(readDeviceTicket(broken), undefined, 'no UTF-8');
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (any) => void readDeviceTicket(any)));
});

test('names that are too long go into no ticket; times and epochs are kept within what it has room for', () => {
  assert.equal(writeDeviceTicket({ ...TICKET, tokenId: 'x'.repeat(256) }), undefined);
  const far = readDeviceTicket(written({ ...TICKET, expiresAt: 1e300, epoch: 1.5 }));
  assert.deepEqual([far?.expiresAt, far?.epoch], [2 ** 48 - 1, 1]);
});
