import type { Measurement } from '#telemetry/measurement.ts';
import { LabError } from '../errors.ts';

/** Of each device that is connected, its own inner addresses. */
export type AddressesByDevice = ReadonlyMap<string, readonly string[]>;

/** An IPv4 and an IPv6 one. */
const EACH = 2;

/**
 * How many inner addresses devices kept when they went to another PoP.
 *
 * @param before those that they had
 * @param least devices that must be among them
 * @throws LabError that names a device which has others, or none
 */
export const addressesKept = (before: AddressesByDevice, now: AddressesByDevice, least: number): Measurement => {
  for (const [name, addresses] of before) {
    const had = addresses.join(', ');
    const has = now.get(name)?.join(', ') || 'no address';
    if (has !== had) throw new LabError(`${name} had ${had || 'no address'}, and has ${has} at the next PoP.`);
  }
  const kept = [...before.values()].reduce((sum, { length }) => sum + length, 0);
  return { metric: 'addresses_kept', value: kept, unit: 'count', bar: { atLeast: EACH * least } };
};
