import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AttributeStore } from '#protocol/bgp/rib/attribute-store.ts';
import { attributeEnd, findAttribute, valueStart } from '#protocol/bgp/rib/edits.ts';
import { OWN, REJECT } from '#protocol/bgp/rib/route-policy.ts';
import { AttributeCode } from '#protocol/bgp/wire/attributes/codes.ts';
import { Family } from '#protocol/bgp/wire/families.ts';
import { ownAttributes } from './own-attributes.ts';
import { type OwnEdit, ownExport } from './own-export.ts';

const NOTHING: OwnEdit = { prepend: 0, communities: [], largeCommunities: [] };
const AS = 64_512;

const edited = (edit: Partial<OwnEdit>) => {
  const store = new AttributeStore({ k0: 1, k1: 2 });
  const own = store.internBytes(ownAttributes({ med: 5, communities: [[64_500, 1]] }), new Uint8Array(0));
  const policy = ownExport(store, AS, { ...NOTHING, ...edit });
  const id = policy.apply(OWN, Family.ipv4Unicast, 0, own);
  const value = (code: number): string | undefined => {
    const at = findAttribute(store, id, code);
    const buffer = store.bytesOf(id);
    return at < 0
      ? undefined
      : Buffer.from(buffer.subarray(valueStart(buffer, at), attributeEnd(buffer, at))).toString('hex');
  };
  return { store, own, id, policy, value };
};

test('what nobody asked to change is the same set', () => {
  const { own, id, policy } = edited({});
  assert.equal(id, own);
  assert.equal(policy.setsMed, false);
});

test('MED is replaced, our AS prepended, communities are added to those of the route', () => {
  const { id, own, policy, value } = edited({
    ...{ med: 300, prepend: 2, communities: [[65_535, 0]] },
    largeCommunities: [[64_512, 1, 2]],
  });
  assert.notEqual(id, own);
  assert.equal(policy.setsMed, true);
  assert.equal(value(AttributeCode.multiExitDisc), '0000012c');
  assert.equal(value(AttributeCode.asPath), '02020000fc000000fc00');
  assert.equal(value(AttributeCode.communities), 'fbf40001ffff0000');
  assert.equal(value(AttributeCode.largeCommunities), '0000fc000000000100000002');
});

test('nothing that came from a neighbour goes out', () => {
  const { policy, own } = edited({ prepend: 1 });
  for (const source of [1, 2, 77]) assert.equal(policy.apply(source, Family.ipv4Unicast, 0, own), REJECT);
});

test('sets that were made on the way are given back: the last one is the caller’s alone', () => {
  const { store, own, id } = edited({ med: 300, prepend: 2, communities: [[65_535, 0]] });
  assert.equal(store.size, 2);
  assert.deepEqual([store.references(own), store.references(id)], [1, 1]);
  store.release(id);
  store.release(own);
  assert.equal(store.size, 0);
});
