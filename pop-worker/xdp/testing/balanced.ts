import type { BpfMap } from '#host/bpf/map.ts';
import { parseIpAddress, parsePrefix } from '#protocol/ip/text.ts';
import { Balancer } from '../balance/balancer.ts';
import type { FindNextHop, NextHop } from '../balance/next-hop.ts';
import { type BalanceOptions, balanceSettings, linesOf } from '../balance/settings.ts';
import type { BackendWanted, ServiceWanted } from '../balance/wanted.ts';
import type { FrontMap, FrontSettings } from '../front.ts';
import { loadFront } from './loaded.ts';

export const SEED = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

const DEFAULTS: BalanceOptions = {
  ...{ connections: 1024, answersEcho: true },
  timeouts: { new: 10, tcp: 3600, udp: 30, closing: 10 },
};

/** A backend of an address. */
export const backend = (address: string, more: Partial<BackendWanted> = {}): BackendWanted => ({
  ...{ address: parseIpAddress(address) as Uint8Array, weight: 1, isDraining: false, encapsulation: 'ipip' },
  ...{ port: 6080, serverIds: [], ...more },
});

/** A service of an address or a prefix, as `203.0.113.10` or `203.0.113.0/24`. */
export const service = (
  at: string,
  backends: readonly (string | BackendWanted)[],
  more: Partial<Omit<ServiceWanted, 'prefix' | 'backends'>> = {},
): ServiceWanted => {
  const address = at.includes('/') ? undefined : parseIpAddress(at);
  const prefix = address === undefined ? parsePrefix(at) : { address, length: address.length * 8 };
  if (prefix === undefined) throw new RangeError(at);
  const list = backends.map((one) => (typeof one === 'string' ? backend(one) : one));
  return { prefix, backends: list, protocol: 'udp', port: 53, isBySource: false, isQuic: false, ...more };
};

const NEXT = [0x02, 0, 0, 0, 1, 0] as const;
export const OWN = Uint8Array.of(0x02, 0, 0, 0, 0, 2);
export const OUTER = {
  4: parseIpAddress('10.255.0.0') as Uint8Array,
  16: parseIpAddress('fd00:ffff::') as Uint8Array,
} as const;

/** The next hop's link-layer address ends as the backend's address does. */
export const hopTo = (address: Uint8Array, more: Partial<NextHop> = {}): NextHop => ({
  ...{ nextHop: Uint8Array.of(...NEXT.slice(0, 5), address.at(-1) as number), own: OWN, interface: 0, mtu: 1500 },
  ...{ source: OUTER[address.length as 4 | 16], spread: 0, ...more },
});

/** The program in the kernel with these services. */
export const loadBalancer = (
  t: { after(work: () => void): unknown },
  services: readonly ServiceWanted[],
  more: {
    readonly options?: Partial<BalanceOptions>;
    readonly settings?: FrontSettings;
    readonly find?: FindNextHop;
    /** What the program is made ready for besides. */
    readonly later?: readonly ServiceWanted[];
    /** Elements of maps. */
    readonly most?: Partial<Record<FrontMap, number>>;
    /** Maps of a process before this one. */
    readonly kept?: ReadonlyMap<FrontMap, BpfMap>;
  } = {},
) => {
  const options = { ...DEFAULTS, ...more.options };
  const settings = balanceSettings(options, [...services, ...(more.later ?? [])]);
  const front = loadFront(
    t,
    { ...settings, flowSeed: SEED, ...more.settings },
    { connections: linesOf(options), ...more.most },
    more.kept,
  );
  const balancer = new Balancer(front, more.find ?? ((address) => hopTo(address)));
  balancer.setAll(services);
  return { front, balancer };
};
