import type { Measurement } from '#telemetry/measurement.ts';

/** Of each device that is connected, its own inner addresses. */
export type AddressesByDevice = ReadonlyMap<string, readonly string[]>;

/** An IPv4 and an IPv6 one. */
const EACH = 2;

/** The figure, and which device is to blame when one has other addresses than it had, or none. */
export interface AddressesKept {
  readonly kept: Measurement;
  readonly fault?: string;
}

/**
 * How many inner addresses devices kept when they went to another PoP; those of a device that has others do not count.
 *
 * @param before those that they had
 * @param least devices that must be among them
 */
export const addressesKept = (before: AddressesByDevice, now: AddressesByDevice, least: number): AddressesKept => {
  let value = 0;
  let all = 0;
  let fault: string | undefined;
  for (const [name, addresses] of before) {
    const had = addresses.join(', ');
    const has = now.get(name)?.join(', ') || 'no address';
    all += addresses.length;
    if (has === had) value += addresses.length;
    else fault ??= `${name} had ${had || 'no address'}, and has ${has} at the next PoP.`;
  }
  const bar = { atLeast: Math.max(all, EACH * least) };
  return { kept: { metric: 'addresses_kept', value, unit: 'count', bar }, ...(fault !== undefined && { fault }) };
};
