import { formatIpAddress, parseIpAddress } from '#protocol/ip/text.ts';
import type { NextHop } from '#protocol/netlink/nexthop.ts';
import type { Links } from './links.ts';
import type { Ownership } from './ownership.ts';
import { FIRST_SET, type Target, Target as Targets } from './targets.ts';

/** Where packets go next. */
export interface Hop {
  readonly device: string;
  /** Of either family; without it the destination itself is on the link. */
  readonly gateway?: string;
  /** Share of the flows, 1 (default) to 256, where there are several. */
  readonly weight?: number;
}

/** A nexthop of the kernel. */
export interface HopObject {
  readonly id: number;
  readonly key: string;
  readonly device: string;
  readonly gateway: Uint8Array | undefined;
  /** It is in the kernel. */
  present: boolean;
  /** Why the kernel would not have it. */
  refusal: string | undefined;
}

export interface Member {
  readonly hop: HopObject;
  readonly weight: number;
}

/** What routes refer to: a nexthop, or a group of several. */
export interface HopSet {
  readonly id: number;
  /** None: it was found in the kernel and is none that we would make. */
  readonly members: readonly Member[];
  readonly isGroup: boolean;
  /** Of a group: which members it has in the kernel, as `membersKey` says; '' when it is not there. */
  present: string;
  /** Routes that refer to it, wanted or in the kernel. */
  uses: number;
  /** It is in the kernel, and packets can leave by it. */
  leads: boolean;
}

const MOST_WEIGHT = 256;
/** What the kernel takes in one group. */
const MOST_MEMBERS = 256;

const hopKey = (device: string, gateway: Uint8Array | undefined): string =>
  `${gateway === undefined ? '' : formatIpAddress(gateway)}%${device}`;

export const membersKey = (members: readonly Member[]): string =>
  members
    .map(({ hop, weight }) => `${hop.key}*${weight}`)
    .sort()
    .join(',');

/** A hop, or its weight, is none. */
export class HopError extends Error {
  override readonly name = 'HopError';
}

const checked = ({
  device,
  gateway,
  weight = 1,
}: Hop): { device: string; bytes: Uint8Array | undefined; weight: number } => {
  const bytes = gateway === undefined ? undefined : parseIpAddress(gateway);
  if (gateway !== undefined && bytes === undefined) throw new HopError(`the gateway ${gateway} is no IP address`);
  if (!Number.isInteger(weight) || weight < 1 || weight > MOST_WEIGHT) {
    throw new HopError(`the weight of a hop is from 1 to ${MOST_WEIGHT}, not ${weight}`);
  }
  return { device, bytes, weight };
};

/** Sets of hops, each with the number by which the kernel knows it. */
export class HopSets {
  readonly #own: Ownership;
  readonly #links: Links;
  readonly #hops = new Map<string, HopObject>();
  readonly #groups = new Map<string, HopSet>();
  /** By number less the first one. */
  readonly #sets: (HopSet | undefined)[] = [];
  /** Numbers that others use. */
  readonly #taken = new Set<number>();
  #next = 0;

  constructor(own: Ownership, links: Links) {
    this.#own = own;
    this.#links = links;
  }

  /** The set of these hops; equal ones have one number. @throws HopError */
  intern(hops: readonly Hop[]): Target {
    if (hops.length === 0 || hops.length > MOST_MEMBERS) {
      throw new HopError(`a set of hops has 1 to ${MOST_MEMBERS}, not ${hops.length}`);
    }
    const members = hops.map((hop): Member => {
      const { device, bytes, weight } = checked(hop);
      return { hop: this.#hop(device, bytes), weight };
    });
    const [first] = members;
    if (first !== undefined && members.length === 1) return first.hop.id;
    return (this.#groups.get(membersKey(members)) ?? this.#addGroup(this.#number(), members, '')).id;
  }

  #hop(device: string, gateway: Uint8Array | undefined): HopObject {
    return this.#hops.get(hopKey(device, gateway)) ?? this.#addHop(this.#number(), device, gateway);
  }

  #addHop(id: number, device: string, gateway: Uint8Array | undefined): HopObject {
    const hop = { id, key: hopKey(device, gateway), device, gateway, present: false, refusal: undefined };
    this.#hops.set(hop.key, hop);
    this.#add({ id, members: [{ hop, weight: 1 }], isGroup: false, present: '', uses: 0, leads: false });
    return hop;
  }

  #addGroup(id: number, members: readonly Member[], present: string): HopSet {
    const set: HopSet = { id, members, isGroup: true, present, uses: 0, leads: false };
    if (members.length > 0) this.#groups.set(membersKey(members), set);
    return this.#add(set);
  }

  #add(set: HopSet): HopSet {
    this.#sets[set.id - this.#own.nextHops[0]] = set;
    return set;
  }

  /** @throws HopError */
  #number(): number {
    const [first, last] = this.#own.nextHops;
    for (;;) {
      const id = first + this.#next++;
      if (id > last) throw new HopError(`there are no more than ${last - first + 1} sets of hops`);
      if (this.#sets[id - first] === undefined && !this.#taken.has(id)) return id;
    }
  }

  get(target: Target): HopSet | undefined {
    return this.#sets[target - this.#own.nextHops[0]];
  }

  all(): HopSet[] {
    return this.#sets.filter((set) => set !== undefined);
  }

  hops(): Iterable<HopObject> {
    return this.#hops.values();
  }

  use(target: Target, change: 1 | -1): void {
    const set = this.get(target);
    if (set !== undefined) set.uses += change;
  }

  /** The members by which packets can leave now. */
  alive(set: HopSet): Member[] {
    return set.members.filter(({ hop }) => hop.refusal === undefined && this.#links.isUsable(hop.device));
  }

  /** Of sets that routes want, the hops by which no packet can leave, with the reason. */
  missing(): string[] {
    const wanted = new Set(this.all().flatMap(({ uses, members }) => (uses > 0 ? members.map(({ hop }) => hop) : [])));
    return [...wanted].flatMap(({ device, gateway, refusal }) => {
      if (refusal === undefined && this.#links.isUsable(device)) return [];
      const reason = refusal ?? (this.#links.index(device) === 0 ? 'no such device' : 'the device is not up');
      return [`${gateway === undefined ? '' : `${formatIpAddress(gateway)} at `}${device}: ${reason}`];
    });
  }

  /** Whether the kernel has it. */
  isPresent(set: HopSet): boolean {
    return set.isGroup ? set.present !== '' : (set.members[0]?.hop.present ?? set.present !== '');
  }

  /** Finds out anew which sets lead somewhere; to be called after any change. */
  refresh(): void {
    for (const set of this.all()) {
      set.leads = set.members.length > 0 && this.isPresent(set) && this.alive(set).length > 0;
    }
  }

  /** What a route is to lead to in the kernel now: nowhere while there is no way. */
  effective(target: Target): Target {
    if (target < FIRST_SET) return target;
    return this.get(target)?.leads === true ? target : Targets.none;
  }

  /** Members that lead out of devices which changed count as gone, and may be tried again. */
  forget(devices: ReadonlySet<string>): HopObject[] {
    const changed = [...this.#hops.values()].filter(({ device }) => devices.has(device));
    for (const hop of changed) {
      hop.present = false;
      hop.refusal = undefined;
    }
    return changed;
  }

  /** Of a nexthop that somebody removed from the kernel: what refers to it went with it. */
  removed(id: number): void {
    const set = this.get(id);
    if (set === undefined) return;
    set.present = '';
    set.leads = false;
    const [member] = set.members;
    if (!set.isGroup && member !== undefined) member.hop.present = false;
  }

  /** Takes what the kernel has, of ours and of others. @param objects all of them, groups too */
  adopt(objects: readonly NextHop[]): void {
    for (const hop of this.#hops.values()) hop.present = false;
    for (const set of this.all()) set.present = '';
    this.#taken.clear();
    const [first, last] = this.#own.nextHops;
    const inRange = objects.filter(({ id }) => id >= first && id <= last);
    for (const { id, protocol } of inRange) if (protocol !== this.#own.protocol) this.#taken.add(id);
    const own = inRange.filter(({ protocol }) => protocol === this.#own.protocol);
    for (const object of own) if (object.group.length === 0) this.#adoptHop(object);
    for (const object of own) if (object.group.length > 0) this.#adoptGroup(object);
  }

  #adoptHop({ id, device, gateway, isBlackhole }: NextHop): void {
    const name = this.#links.name(device);
    const key = name === undefined || isBlackhole ? undefined : hopKey(name, gateway);
    if (key !== undefined && !this.#hops.has(key) && this.get(id) === undefined)
      this.#addHop(id, name as string, gateway);
    const set = this.get(id) ?? this.#add({ id, members: [], isGroup: false, present: 'other', uses: 0, leads: false });
    const hop = set.members[0]?.hop;
    if (hop === undefined || set.isGroup) set.present = 'other';
    else hop.present = hop.key === key;
  }

  #adoptGroup({ id, group }: NextHop): void {
    const members = group.flatMap(({ id: of, weight }): Member[] => {
      const hop = this.get(of)?.members[0]?.hop;
      return hop === undefined || hop.id !== of ? [] : [{ hop, weight }];
    });
    const known = members.length === group.length ? members : [];
    const set = this.get(id);
    if (set !== undefined) set.present = set.isGroup ? membersKey(known) || 'other' : 'other';
    else if (this.#groups.has(membersKey(known))) this.#addGroup(id, [], 'other');
    else this.#addGroup(id, known, membersKey(known) || 'other');
  }
}
