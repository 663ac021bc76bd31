import type { NetlinkRequests } from '#host/netlink/requests.ts';
import type { Refusal } from '#protocol/netlink/acknowledgement.ts';
import { Family, familyOf } from '#protocol/netlink/family.ts';
import { Flag } from '#protocol/netlink/header.ts';
import { newNextHop } from '#protocol/netlink/nexthop.ts';
import { type HopObject, type HopSet, type HopSets, membersKey } from './hop-sets.ts';
import type { Links } from './links.ts';
import type { Ownership } from './ownership.ts';
import { reasonOf } from './reason.ts';

/** Makes the kernel's nexthops and groups what routes need. */
export class HopWriter {
  readonly #own: Ownership;
  readonly #sets: HopSets;
  readonly #links: Links;
  readonly #requests: NetlinkRequests;

  constructor(own: Ownership, sets: HopSets, links: Links, requests: NetlinkRequests) {
    this.#own = own;
    this.#sets = sets;
    this.#links = links;
    this.#requests = requests;
  }

  /** Makes what is missing, groups of those members that are alive. @throws NetlinkOverrun */
  make(): void {
    const used = this.#sets.all().filter(({ uses }) => uses > 0);
    const hops = new Set(used.flatMap((set) => this.#sets.alive(set).map(({ hop }) => hop)));
    this.#makeHops([...hops].filter(({ present }) => !present));
    this.#makeGroups(used.filter(({ isGroup, members }) => isGroup && members.length > 0));
  }

  #makeHops(hops: readonly HopObject[]): void {
    for (const hop of hops) hop.present = true;
    this.#requests.batch(
      (add) => {
        for (const { id, device, gateway } of hops) {
          // Routes of both families may lead to one of IPv6.
          const family = gateway === undefined ? Family.ipv6 : familyOf(gateway);
          const object = newNextHop({
            family,
            id,
            gateway,
            protocol: this.#own.protocol,
            device: this.#links.index(device),
          });
          add('nextHop', 'added', Flag.create | Flag.replace, object);
        }
      },
      (refusal, request) => {
        const hop = hops[request] as HopObject;
        hop.present = false;
        hop.refusal = reasonOf(refusal);
      },
    );
  }

  #makeGroups(groups: readonly HopSet[]): void {
    const changes = groups.map((set) => ({ set, alive: this.#sets.alive(set) }));
    const made = changes.filter(({ set, alive }) => alive.length > 0 && membersKey(alive) !== set.present);
    for (const { set, alive } of made) set.present = membersKey(alive);
    this.#requests.batch(
      (add) => {
        for (const { set, alive } of made) {
          const group = alive.map(({ hop, weight }) => ({ id: hop.id, weight }));
          const object = newNextHop({ id: set.id, group, protocol: this.#own.protocol });
          add('nextHop', 'added', Flag.create | Flag.replace, object);
        }
      },
      (_refusal: Refusal, request) => {
        (made[request] as (typeof made)[number]).set.present = '';
      },
    );
    // The kernel ends a group with its last member.
    for (const { set, alive } of changes) if (alive.length === 0) set.present = '';
  }

  /** Removes nexthops whose device cannot be used; the routes that lead there go with them. @throws NetlinkOverrun */
  removeHops(hops: readonly HopObject[]): void {
    this.#delete(hops.map(({ id }) => id));
  }

  /** Removes what no route refers to. @throws NetlinkOverrun */
  sweep(): void {
    const sets = this.#sets.all();
    const groups = sets.filter((set) => set.isGroup && set.uses === 0 && this.#sets.isPresent(set));
    const held = new Set(
      sets.filter((set) => set.isGroup && set.uses > 0).flatMap(({ members }) => members.map(({ hop }) => hop.id)),
    );
    const hops = sets.filter((set) => !set.isGroup && set.uses === 0 && !held.has(set.id) && this.#sets.isPresent(set));
    const unused = [...groups, ...hops].map(({ id }) => id);
    this.#delete(unused);
    for (const id of unused) this.#sets.removed(id);
  }

  #delete(ids: readonly number[]): void {
    this.#requests.batch(
      (add) => {
        for (const id of ids) add('nextHop', 'deleted', 0, newNextHop({ id }));
      },
      // One that is not there is what was wanted.
      () => {},
    );
  }
}
