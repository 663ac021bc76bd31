import type { HashKey } from '../../keyed-hash.ts';
import { addressBits, Family, familyName } from '../wire/families.ts';
import { PrefixDestinations } from './destinations.ts';
import { FamilyRib, type RibShared } from './family-rib.ts';
import { FlowDestinations } from './flow-destinations.ts';
import { FlowValidation } from './flow-validation.ts';
import type { PrefixTable } from './prefix-table.ts';

const UNICAST = [Family.ipv4Unicast, Family.ipv6Unicast] as const;
const FLOW = [Family.ipv4Flow, Family.ipv6Flow] as const;

/** By slot. */
export const RIB_FAMILIES: readonly number[] = [...UNICAST, ...FLOW];

/** Routes of all families. */
export class Tables {
  /** By slot. */
  readonly ribs: readonly FamilyRib[];
  /** By slot of the unicast family that decides. */
  readonly validations: readonly FlowValidation[];
  readonly #prefixes: readonly PrefixDestinations[];
  readonly #flows: readonly FlowDestinations[];

  constructor(shared: RibShared, key: HashKey) {
    this.#prefixes = UNICAST.map((family) => new PrefixDestinations(addressBits(family), key));
    this.#flows = FLOW.map(() => new FlowDestinations(key));
    this.ribs = [...this.#prefixes, ...this.#flows].map(
      (destinations, slot) => new FamilyRib(RIB_FAMILIES[slot] as number, slot, destinations, shared),
    );
    this.validations = this.#prefixes.map(({ table }, i) => {
      const flows = this.ribs[UNICAST.length + i] as FamilyRib;
      return new FlowValidation(flows, this.#flows[i] as FlowDestinations, this.ribs[i] as FamilyRib, table, key);
    });
  }

  /** @throws RangeError when there are no routes of that family */
  ribOf(family: number): FamilyRib {
    const { ribs } = this;
    for (let slot = 0; slot < ribs.length; slot++) {
      const rib = ribs[slot] as FamilyRib;
      if (rib.family === family) return rib;
    }
    throw new RangeError(`there are no routes of ${familyName(family)}`);
  }

  prefixesOf(family: number): PrefixTable {
    return (this.#prefixes[this.ribOf(family).slot] as PrefixDestinations).table;
  }

  flowsOf(family: number): FlowDestinations {
    return this.#flows[this.ribOf(family).slot - UNICAST.length] as FlowDestinations;
  }
}
