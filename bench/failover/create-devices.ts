/** Devices of the lab's API for clients that are measured. */
import { OPERATOR } from '#lab/edge.ts';
import type { Journey } from '#lab/journey.ts';
import type { DeviceAddresses, SimulatedDevice } from './order.ts';

const OWNER = 'owner-laptop';
const TENANT = 'acme';
export const NETWORK4 = '10.80.0.0/16';

/** A network for devices, and who they belong to. */
export const createNetwork = async ({ edge: { control } }: Journey): Promise<void> => {
  const url = `/v1/tenants/${TENANT}`;
  await control.call(OPERATOR, {
    method: 'POST',
    url: `${url}/networks`,
    body: { id: 'fleet', ipv4Pool: NETWORK4, egress: true },
  });
};

/** @param first number of the first @param more of each device's resource */
export const createDevices = async (
  { edge: { control } }: Journey,
  first: number,
  more: readonly object[],
): Promise<(DeviceAddresses & { readonly id: string })[]> => {
  const owner = await control.subjectOf(OWNER);
  const calls = more.map((part, i) => {
    const n = first + i;
    const ipv4Address = `10.80.${1 + (n >> 7)}.${1 + (n & 127)}`;
    const body = { id: `sim-${n}`, network: 'fleet', ipv4Address, owner, ...part };
    return { method: 'POST', url: `/v1/tenants/${TENANT}/devices`, body };
  });
  const created = await control.call(OPERATOR, ...calls);
  return created.map(({ ipv4Address, ipv6Address }, i) => ({
    ...{ id: `sim-${first + i}`, ipv4: String(ipv4Address), ipv6: String(ipv6Address) },
  }));
};

/** Devices that come by MASQUE, with their tokens. */
export const createSimulated = async (journey: Journey, first: number, count: number): Promise<SimulatedDevice[]> => {
  const none = Array.from({ length: count }, () => ({}));
  const created = await createDevices(journey, first, none);
  const ids = created.map(({ id }) => id);
  const tokens = await journey.edge.control.deviceTokens(OWNER, TENANT, ids);
  return created.map(({ ipv4, ipv6 }, i) => ({ ipv4, ipv6, token: tokens[i] ?? '' }));
};
