import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Policy } from '#protocol/bgp/policy/policy.ts';
import { readPolicies } from '#protocol/bgp/policy/program.ts';
import type { Rule } from '#protocol/bgp/policy/rule.ts';
import { AttributeStore } from '#protocol/bgp/rib/attribute-store.ts';
import { attributeEnd, findAttribute, valueStart } from '#protocol/bgp/rib/edits.ts';
import { OWN, REJECT } from '#protocol/bgp/rib/route-policy.ts';
import { AttributeCode } from '#protocol/bgp/wire/attributes/codes.ts';
import { Family } from '#protocol/bgp/wire/families.ts';
import { ownAttributes } from './own-attributes.ts';
import { type OwnEdit, OwnExport } from './own-export.ts';

const NOTHING: OwnEdit = { prepend: 0, communities: [], largeCommunities: [] };
const AS = 64_512;

/** @param rules of a policy that has to accept the route first */
const edited = (edit: Partial<OwnEdit>, rules?: readonly Rule[]) => {
  const store = new AttributeStore({ k0: 1, k1: 2 });
  const own = store.internBytes(ownAttributes({ med: 5, communities: [[64_500, 1]] }), new Uint8Array(0));
  const context = { store, localAs: AS, prefixes: () => undefined, neighbour: () => undefined };
  const ruleSet = rules && readPolicies({ ruleSets: { rules } }).ruleSets.get('rules');
  const first = ruleSet && new Policy(ruleSet, context);
  const policy = new OwnExport(store, AS, { ...NOTHING, ...edit }, first);
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

test('what a policy rejects is not told, and what it sets is kept: the rest comes on top', () => {
  const refusing = edited({ med: 1 }, [{ match: { communities: ['64500:2'] }, end: 'accept' }]);
  assert.equal(refusing.id, REJECT);
  const set = { med: 40, prepend: { times: 1, as: 64_999 }, addCommunities: ['64500:9'] };
  const { value, store, own, id } = edited({ med: 7, medAdded: 300, prepend: 2, communities: [[65_535, 0]] }, [
    { set, end: 'accept' },
  ]);
  assert.equal(value(AttributeCode.multiExitDisc), '00000154', '40 and 300');
  assert.equal(value(AttributeCode.asPath), '02030000fc000000fc000000fde7');
  assert.equal(value(AttributeCode.communities), 'fbf40001fbf40009ffff0000');
  for (const set of [id, own]) store.release(set);
  assert.equal(store.size, 0);
  const most = edited({ med: 7, medAdded: 300 }, [{ set: { med: 2 ** 32 - 1 }, end: 'accept' }]);
  assert.equal(most.value(AttributeCode.multiExitDisc), 'ffffffff');
  const unset = edited({ med: 7, medAdded: 300 }, [{ set: { med: 'none' }, end: 'accept' }]);
  assert.equal(unset.value(AttributeCode.multiExitDisc), '00000007');
});

test('what a policy accepts of others is not told either', () => {
  const { policy, own } = edited({}, [{ end: 'accept' }]);
  assert.equal(policy.apply(OWN, Family.ipv4Unicast, 0, own), own);
  for (const source of [1, 77]) assert.equal(policy.apply(source, Family.ipv4Unicast, 0, own), REJECT);
});

test('a set that is again what it was has no more references than before', () => {
  const same = edited({ med: 5 });
  assert.deepEqual([same.id, same.store.references(same.own)], [same.own, 1]);
  // A policy changes it, and the edit changes it back.
  const back = edited({ communities: [[64_500, 1]] }, [{ set: { removeCommunities: ['64500:1'] }, end: 'accept' }]);
  assert.deepEqual([back.id, back.store.references(back.own), back.store.size], [back.own, 1, 1]);
});
