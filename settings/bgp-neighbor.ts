/** What no neighbour of a BGP speaker can be, beyond what each of its settings says by itself. */
import { OWN_NAME } from '#protocol/bgp/policy/rule.ts';
import { parseIpAddress } from '#protocol/ip/text.ts';
import type { BgpNeighborFile } from './bgp-file.ts';

/** Its address; a link-local one with its interface. */
export const addressWithZone = ({
  address,
  interface: device,
}: Pick<BgpNeighborFile, 'address' | 'interface'>): string =>
  device !== undefined && /^fe80:[^%]*$/i.test(address) ? `${address}%${device}` : address;

export const neighborName = (neighbor: Pick<BgpNeighborFile, 'address' | 'interface' | 'name'>): string =>
  neighbor.name ?? addressWithZone(neighbor);

/** Whether it may be the address of one host: not that of none, of this network, of many, or of all. */
export const isHostAddress = (text: string): boolean => {
  const bytes = parseIpAddress(text.split('%')[0] as string);
  if (bytes === undefined) return false;
  const [first = 0] = bytes;
  if (bytes.length === 16) return first !== 0xff && bytes.some((byte) => byte !== 0);
  // RFC 6890: 0.0.0.0/8 and 255.255.255.255/32; RFC 5771: 224.0.0.0/4.
  return first !== 0 && !(first >= 224 && first < 240) && bytes.some((byte) => byte !== 255);
};

/** Settings of which one only may be there: one connection has one authentication, GTSM says what is sent too. */
const EITHER_OR = [
  ['ao', 'md5_key_file'],
  ['hop_limit', 'gtsm_hops'],
] as const;

const familyOf = (address: string): string => (address.includes(':') ? 'IPv6' : 'IPv4');

/** What is wrong with a neighbour, by the setting that is to be another. */
type Fault = readonly [setting: keyof BgpNeighborFile, message: string];

/** @param as ours, where the neighbour has no `local_as` */
export const neighborFaults = (as: number, neighbor: BgpNeighborFile): Fault[] => {
  const { address, name, local_address: local, local_as: localAs = as, role } = neighbor;
  const whole = addressWithZone(neighbor).toLowerCase();
  const faults: Fault[] = [];
  if (/^fe80:[^%]*$/.test(whole))
    faults.push(['address', 'is link-local: say its interface, as fe80::1%eth0 or by interface']);
  if (neighbor.next_hop6 === '::' && !whole.startsWith('fe80:'))
    faults.push(['next_hop6', 'is for a link-local neighbour: it is sent our link-local address alone']);
  for (const [one, other] of EITHER_OR)
    if (neighbor[one] !== undefined && neighbor[other] !== undefined)
      faults.push([one, `goes without ${other}: take one of them out`]);
  if (local !== undefined && familyOf(local) !== familyOf(address))
    faults.push([
      'local_address',
      `is ${familyOf(local)}, and address is ${familyOf(address)}: give both of one family`,
    ]);
  // RFC 9234 §4.1: roles are of sessions between ASes.
  if (role !== undefined && neighbor.as === localAs)
    faults.push(['role', 'is for external neighbours, and this one is of our own AS: take it out']);
  if (name === OWN_NAME) faults.push(['name', `"${OWN_NAME}" stands for routes that begin here: give it another name`]);
  return faults;
};
