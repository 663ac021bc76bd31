/** A store, prefixes and neighbours for policies to be tried on. */
import assert from 'node:assert/strict';
import { AttributeStore } from '../../rib/attribute-store.ts';
import { PrefixTable } from '../../rib/prefix-table.ts';
import { OWN, REJECT } from '../../rib/route-policy.ts';
import { attributesOf } from '../../rib/testing/policies.ts';
import { type Attributes, addressBytes, encode, words } from '../../rib/testing/route.ts';
import { Role } from '../../wire/capabilities/definition.ts';
import { type Explanation, explain } from '../explain.ts';
import { Policy } from '../policy.ts';
import { readPolicies } from '../program.ts';
import type { OriginValidator, PolicyContext, PolicyNeighbour } from '../route.ts';
import type { Policies } from '../rule.ts';

export const KEY = { k0: 1, k1: 2 };
export const ROUTE: Attributes = { origin: 0, path: [64_500, 64_501], nextHop: '198.51.100.1' };
export const NEIGHBOURS: readonly PolicyNeighbour[] = [
  { name: 'upstream', address: '198.51.100.1', as: 64_500, role: Role.provider },
  { name: 'customer', address: '198.51.100.2', as: 64_501, role: Role.customer },
  { name: 'nobody', address: '2001:db8::3', as: 64_502, role: undefined },
];
/** Indices of the neighbours: 0 is ourselves. */
export const UPSTREAM = 1;
export const CUSTOMER = 2;
export const NOBODY = 3;

/** One set of policies, and routes for it. */
export class Bench {
  readonly store = new AttributeStore(KEY);
  readonly tables = new Map([
    [0x0101, new PrefixTable(32, KEY)],
    [0x0201, new PrefixTable(128, KEY)],
  ]);
  readonly context: PolicyContext;
  readonly policy: Policy;

  constructor(policies: Policies, name: string, to?: PolicyNeighbour, validator?: OriginValidator) {
    const { ruleSets, errors } = readPolicies(policies);
    assert.deepEqual(errors, []);
    this.context = {
      store: this.store,
      prefixes: (family) => this.tables.get(family),
      neighbour: (index) => NEIGHBOURS[index - 1],
      localAs: 64_999,
      to,
      validator,
    };
    const ruleSet = ruleSets.get(name);
    assert.ok(ruleSet !== undefined, name);
    this.policy = new Policy(ruleSet, this.context);
  }

  /** @returns what becomes of it; undefined: it is rejected. No reference is left, and a second look says the same. */
  apply(attributes: Attributes, prefix = '203.0.113.0/24', source: number = UPSTREAM): Attributes | undefined {
    const once = this.#once(attributes, prefix, source);
    assert.deepEqual(this.#once(attributes, prefix, source), once);
    assert.equal(this.store.size, 0, 'a reference was lost');
    return once;
  }

  accepts(attributes: Attributes, prefix?: string, source?: number): boolean {
    return this.apply(attributes, prefix, source) !== undefined;
  }

  explain(attributes: Attributes, prefix = '203.0.113.0/24', source: number = UPSTREAM): Explanation {
    const { destination, family, set } = this.intern(attributes, prefix);
    const explanation = explain(this.policy, this.context, source, family, destination, set);
    this.store.release(set);
    assert.equal(this.store.size, 0);
    return explanation;
  }

  intern(attributes: Attributes, prefix: string) {
    const { address, length, family } = words(prefix);
    const set = this.store.internBytes(encode(attributes), addressBytes(attributes.nextHop));
    const destination = this.tables.get(family)!.intern(address, length);
    return { set, destination, family };
  }

  #once(attributes: Attributes, prefix: string, source: number): Attributes | undefined {
    const { store } = this;
    const { destination, family, set } = this.intern(attributes, prefix);
    let result: Attributes | undefined;
    // Twice: the second time, it is known.
    for (let i = 0; i < 2; i++) {
      const id = this.policy.apply(source, family, destination, set);
      const decoded = id === REJECT ? undefined : attributesOf(store, id);
      if (i === 1) assert.deepEqual(decoded, result);
      result = decoded;
      if (id !== REJECT && id !== set) store.release(id);
    }
    assert.equal(store.references(set), 1);
    store.release(set);
    return result;
  }
}

export { OWN };
