import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CONTROLLER,
  genericAttributes,
  readFamilyId,
  writeGenericHeader,
  writeGetFamily,
} from '#protocol/netlink/generic.ts';
import { GenericRequests } from './generic.ts';

/** CTRL_CMD_GETFAMILY. */
const GET_FAMILY = 3;
/** CTRL_ATTR_FAMILY_NAME. */
const NAME = 2;

test('one family by its name; a name of none is the kernel’s refusal', () => {
  const requests = GenericRequests.open('nlctrl');
  requests.act((writer) => writeGetFamily(writer, 'nlctrl'));
  assert.throws(() => requests.act((writer) => writeGetFamily(writer, 'cbnone')), {
    ...{ name: 'KernelRefusal', code: 'ENOENT' },
    message: 'the kernel refuses what is asked of its nlctrl: no such file or directory (ENOENT)',
  });
  // A refusal ends its request alone.
  requests.act((writer) => writeGetFamily(writer, 'nlctrl'));
  requests.close();
  assert.throws(() => GenericRequests.open('cbnone'), { name: 'KernelRefusal', code: 'ENOENT' });
  assert.throws(() => requests.act((writer) => writeGetFamily(writer, 'nlctrl')), { code: 'ERR_CLOSED' });
});

test('all families, in as many messages as the kernel likes', (t) => {
  const requests = GenericRequests.open('nlctrl');
  t.after(() => requests.close());
  const found = new Map<string, number>();
  let begun = 0;
  requests.dump(
    (writer) => writeGenericHeader(writer, GET_FAMILY, 1),
    () => begun++,
    (bytes, at, end) => {
      const attributes = genericAttributes(bytes, at, end);
      while (attributes.next())
        if (attributes.type === NAME) found.set(attributes.text(), readFamilyId(bytes, at, end));
    },
  );
  assert.ok(begun >= 1);
  assert.equal(found.get('nlctrl'), CONTROLLER);
  assert.equal(new Set(found.values()).size, found.size);
});
