/** Whatever happens in whatever order, the RIB tells its neighbours what a model without any cleverness would. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Role } from '../wire/capabilities/definition.ts';
import { Community } from '../wire/communities.ts';
import { Family } from '../wire/families.ts';
import type { FamilyRib } from './family-rib.ts';
import type { FamilyCounts } from './inspect.ts';
import { Model, type ModelPeer } from './testing/model.ts';
import { LOCAL_AS, newRib, Peer } from './testing/peers.ts';
import { Ask, routePolicy, type TestPolicy } from './testing/policies.ts';
import { type Attributes, addressBytes, encode, words } from './testing/route.ts';

const PREFIXES = ['10.0.0.0/8', '10.1.0.0/16', '0.0.0.0/0', '203.0.113.7/32', '2001:db8::/32', '2001:db8::/48'];
const FAMILIES = [Family.ipv4Unicast, Family.ipv6Unicast];
const UNREACHABLE = 0xffff_ffff;

const PLAIN: TestPolicy = { name: 'plain', heeds: [] };
const POLICIES: readonly TestPolicy[] = [
  PLAIN,
  { name: 'rejecting', heeds: [Ask.reject] },
  { name: 'preferring', heeds: [Ask.prefer, Ask.reject] },
  { name: 'all', heeds: [Ask.prefer, Ask.reject, Ask.med, Ask.nextHop] },
];

interface Kind {
  readonly as: number;
  readonly isClient?: boolean;
  readonly isServed?: boolean;
  readonly setsNextHop?: boolean;
  readonly role?: number;
  readonly takesStale?: boolean;
  readonly sendsPaths?: boolean;
  readonly takesPaths?: boolean;
  readonly isOld?: boolean;
}

const KINDS: readonly Kind[] = [
  { as: 64_500 },
  { as: 64_501, isOld: true },
  { as: LOCAL_AS },
  { as: LOCAL_AS, isClient: true },
  { as: LOCAL_AS, isClient: true, takesPaths: true, setsNextHop: true },
  { as: 64_502, sendsPaths: true, takesPaths: true, takesStale: true },
  { as: 64_503, role: Role.provider },
  { as: 64_504, role: Role.customer, takesStale: true },
  { as: 64_505, role: Role.peer },
  { as: 64_506, role: Role.routeServer, isServed: true },
];

type Step =
  | {
      readonly kind: 'announce';
      readonly peer: number;
      readonly prefixes: readonly number[];
      readonly route: Draft;
      readonly pathId: number;
    }
  | { readonly kind: 'withdraw'; readonly peer: number; readonly prefixes: readonly number[]; readonly pathId: number }
  | { readonly kind: 'own'; readonly prefix: number; readonly route: Draft }
  | { readonly kind: 'withdrawOwn'; readonly prefix: number }
  | {
      readonly kind: 'up' | 'refresh' | 'begin' | 'end' | 'stale' | 'long' | 'marker' | 'read';
      readonly peer: number;
      readonly family: number;
    }
  | { readonly kind: 'down'; readonly peer: number; readonly kept: readonly number[] }
  | { readonly kind: 'policy'; readonly peer: number; readonly way: number; readonly policy: number }
  | { readonly kind: 'cost'; readonly hop: number; readonly cost: number };

type Loose = { readonly [Name in keyof Attributes]: Attributes[Name] | undefined };

interface Draft {
  readonly rest: readonly number[];
  readonly origin: number;
  readonly med: number | undefined;
  readonly localPref: number;
  readonly communities: readonly number[];
  readonly originator: number | undefined;
  readonly clusters: readonly number[];
  readonly otc: number | undefined;
  readonly hop: number;
}

const HOPS = ['198.51.100.1', '198.51.100.2', '192.0.2.1'];
const HOPS6 = ['2001:db8:9::1', '2001:db8:9::2', '2001:db8::1'];
const COMMUNITIES = [...Object.values(Community), ...Object.values(Ask), 0xfc00_0009];

const BARE: Draft = {
  rest: [64_500, 7],
  origin: 0,
  med: undefined,
  localPref: 100,
  communities: [],
  originator: undefined,
  clusters: [],
  otc: undefined,
  hop: 0,
};

const anyDraft: fc.Arbitrary<Draft> = fc.record({
  rest: fc.array(fc.constantFrom(7, 8, 64_500, 4_200_000_001, LOCAL_AS), { maxLength: 2 }),
  origin: fc.nat({ max: 1 }),
  med: fc.constantFrom(undefined, 0, 5, 9),
  localPref: fc.constantFrom(100, 100, 200),
  communities: fc.uniqueArray(fc.constantFrom(...COMMUNITIES), { maxLength: 2 }),
  originator: fc.constantFrom(undefined, undefined, 1, 9),
  clusters: fc.array(fc.constantFrom(1, 2, 3), { maxLength: 2 }),
  otc: fc.constantFrom(undefined, undefined, 7, 64_505),
  hop: fc.constantFrom(0, 0, 0, 1, 1, 2),
});

/** Often the same, so that several neighbours have the same set. */
const draft = fc.oneof(anyDraft, fc.constantFrom(BARE, { ...BARE, originator: 9 }, { ...BARE, med: 5 }));

const peer = fc.nat({ max: KINDS.length - 1 });
const prefix = fc.nat({ max: PREFIXES.length - 1 });
const prefixes = fc.uniqueArray(prefix, { minLength: 1, maxLength: 3 });
const pathId = fc.integer({ min: 0, max: 2 });
const family = fc.constantFrom(...FAMILIES);
const named = <Kind extends string>(...kinds: Kind[]) => fc.constantFrom(...kinds);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: named('announce'), peer, prefixes, route: draft, pathId }) },
  { weight: 4, arbitrary: fc.record({ kind: named('withdraw'), peer, prefixes, pathId }) },
  { weight: 1, arbitrary: fc.record({ kind: named('own'), prefix, route: draft }) },
  { weight: 1, arbitrary: fc.record({ kind: named('withdrawOwn'), prefix }) },
  { weight: 4, arbitrary: fc.record({ kind: named('up', 'read'), peer, family }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: named('refresh', 'begin', 'end', 'stale', 'long', 'marker'), peer, family }),
  },
  { weight: 2, arbitrary: fc.record({ kind: named('down'), peer, kept: fc.subarray(FAMILIES) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: named('policy'),
      peer,
      way: fc.nat({ max: 1 }),
      policy: fc.nat({ max: POLICIES.length - 1 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: named('cost'),
      hop: fc.nat({ max: 1 }),
      cost: fc.constantFrom(0, 5, Number.POSITIVE_INFINITY),
    }),
  },
);

const compact = (route: Loose): Attributes =>
  Object.fromEntries(Object.entries(route).filter(([, value]) => value !== undefined)) as unknown as Attributes;

class World {
  readonly model: Model;
  readonly rib;
  readonly peers: Peer[];

  constructor(comparesAllMeds: boolean) {
    const model = new Model(comparesAllMeds);
    this.model = model;
    const costs = new Map<string, number>();
    const costOf = (hop: Uint8Array): number => {
      const cost = costs.get(hop.join()) ?? 0;
      return cost === Number.POSITIVE_INFINITY ? UNREACHABLE : cost;
    };
    this.rib = newRib({ comparesAllMeds, costOf });
    this.#costs = costs;
    this.#own = modelPeer(0, { as: 0 }, [0, 0, 0, 0]);
    this.peers = KINDS.map((kind, i) => this.#newPeer(kind, i));
  }

  readonly #costs: Map<string, number>;
  readonly #own: ModelPeer;

  #newPeer(kind: Kind, i: number): Peer {
    const address = [198, 51, 100, 200 - i];
    const families = (isIt: boolean | undefined) => (isIt === true ? FAMILIES : []);
    const asBytes = kind.isOld === true ? 2 : 4;
    const peer = new Peer(this.rib, {
      as: kind.as,
      address: Uint8Array.from(address),
      isReflectorClient: kind.isClient ?? false,
      isServed: kind.isServed ?? false,
      setsNextHop: kind.setsNextHop ?? false,
      importPolicy: routePolicy(PLAIN, this.rib.store),
      exportPolicy: PLAIN_EXPORT(this.rib),
    });
    peer.session = {
      ...peer.session,
      remoteIdentifier: 100 + (i % 4),
      rules: { ...peer.session.rules, asBytes, pathIdFamilies: families(kind.sendsPaths) },
      writeRules: { asBytes, pathIdFamilies: families(kind.takesPaths) },
      longLived: families(kind.takesStale).map((one) => ({ family: one })),
      localRole: kind.role,
    };
    const modelled = modelPeer(peer.index, kind, address, 100 + (i % 4));
    this.model.peers.push(modelled);
    return peer;
  }

  do(step: Step): void {
    if (step.kind === 'cost') {
      for (const hop of [HOPS[step.hop]!, HOPS6[step.hop]!]) {
        this.#costs.set(addressBytes(hop).join(), step.cost);
        this.model.costs.set(hop, step.cost);
      }
      this.rib.nextHopsChanged();
    } else if (step.kind === 'own') this.#originate(PREFIXES[step.prefix]!, step.route);
    else if (step.kind === 'withdrawOwn') {
      const { address, length, family } = words(PREFIXES[step.prefix]!);
      this.rib.withdrawOwn(family, address, length);
      this.model.withdraw(this.#own, PREFIXES[step.prefix]!, 0);
    } else this.#doPeer(step, this.peers[step.peer]!, this.model.peers[step.peer]!);
  }

  #doPeer(step: Exclude<Step, { kind: 'cost' | 'own' | 'withdrawOwn' }>, peer: Peer, modelled: ModelPeer): void {
    if (step.kind === 'policy') {
      const policy = POLICIES[step.policy]!;
      const compiled = routePolicy(policy, this.rib.store);
      if (step.way === 0) modelled.importPolicy = policy;
      else modelled.exportPolicy = policy;
      peer.change(step.way === 0 ? { importPolicy: compiled } : { exportPolicy: compiled });
    } else if (step.kind === 'up') {
      if (!modelled.isUp) peer.up();
      modelled.isUp = true;
    } else if (step.kind === 'long' || step.kind === 'stale') this.#keep(step.kind, peer, modelled, step.family);
    else if (modelled.isUp) this.#doSession(step, peer, modelled);
  }

  #keep(kind: 'long' | 'stale', peer: Peer, modelled: ModelPeer, family: number): void {
    if (kind === 'stale') {
      this.rib.dropStale(peer.index, family);
      this.model.dropStale(modelled, family);
      return;
    }
    this.rib.keepLongLived(peer.index, family);
    this.model.keepLongLived(modelled, family);
  }

  #doSession(
    step: Exclude<Step, { kind: 'cost' | 'own' | 'withdrawOwn' | 'policy' | 'up' | 'long' | 'stale' }>,
    peer: Peer,
    modelled: ModelPeer,
  ): void {
    const { model, rib } = this;
    switch (step.kind) {
      case 'announce':
        this.#announce(step, peer, modelled);
        return;
      case 'withdraw':
        for (const prefix of step.prefixes.map((i) => PREFIXES[i]!)) {
          const id = sendsPaths(peer) ? step.pathId : 0;
          peer.withdraw(`${prefix} ${id}`);
          model.withdraw(modelled, prefix, id);
        }
        return;
      case 'down':
        peer.down(step.kept);
        model.down(modelled, step.kept);
        return;
      case 'refresh':
        rib.refresh(peer.index, step.family);
        return;
      case 'begin':
        assert.ok(rib.refreshBegins(peer.index, step.family));
        model.refreshBegins(modelled, step.family);
        return;
      case 'end':
        rib.refreshEnds(peer.index, step.family);
        model.refreshEnds(modelled, step.family);
        return;
      case 'marker':
        peer.endOfRib(step.family);
        model.dropStale(modelled, step.family);
        return;
      case 'read':
        this.check(step.peer);
    }
  }

  #announce(step: Step & { kind: 'announce' }, peer: Peer, modelled: ModelPeer): void {
    const id = sendsPaths(peer) ? step.pathId : 0;
    for (const isIpv4 of [true, false]) {
      const meant = step.prefixes.map((i) => PREFIXES[i]!).filter((text) => !text.includes(':') === isIpv4);
      if (meant.length === 0) continue;
      const route = received(step.route, peer, isIpv4);
      peer.announce(route, ...meant.map((text) => `${text} ${id}`));
      for (const text of meant) this.model.announce(modelled, text, id, route);
    }
  }

  #originate(prefix: string, { med, communities }: Draft): void {
    const { address, length, family } = words(prefix);
    const route = compact({ origin: 0, path: [], nextHop: '', med, communities: some(communities) });
    this.rib.originate(family, address, length, encode(route), new Uint8Array(0));
    this.model.announce(this.#own, prefix, 0, route);
  }

  /** What a neighbour has been told is what the model says. */
  check(index: number): void {
    const peer = this.peers[index]!.read();
    const told = new Map<string, Attributes[]>();
    for (const [key, attributes] of peer.told) {
      const prefix = key.split(' ')[0]!;
      told.set(prefix, [...(told.get(prefix) ?? []), attributes]);
    }
    assert.deepEqual(sorted(told), sorted(this.model.told(this.model.peers[index]!)), `neighbour ${index}`);
  }

  checkAll(): void {
    for (const [i, { isUp }] of this.model.peers.entries()) if (isUp) this.check(i);
    const paths = this.rib.families.reduce((sum, rib) => sum + rib.paths.size, 0);
    assert.equal(paths, this.model.size);
    for (const { index } of this.peers)
      assert.deepEqual(this.rib.countsOf(index), this.rib.families.map(counted(index)));
  }

  /** All goes, and nothing is left of it. */
  end(): void {
    for (const { index } of this.peers) this.rib.down(index, []);
    for (const prefix of PREFIXES) {
      const { address, length, family } = words(prefix);
      this.rib.withdrawOwn(family, address, length);
    }
    assert.deepEqual([this.rib.store.size, this.rib.store.nextHops.size], [0, 0]);
    for (const rib of this.rib.families)
      assert.deepEqual([rib.destinations.size, rib.paths.size, rib.groups.list], [0, 0, []]);
  }
}

/** As `countsOf`, by a walk through all that there is. */
const counted =
  (index: number) =>
  ({ family, slot, paths, neighbours }: FamilyRib): FamilyCounts => {
    const all = Array.from({ length: paths.limit }, (_, path) => path);
    const its = all.filter((path) => paths.received[path] !== 0 && paths.source[path] === index);
    const member = neighbours[index]?.members[slot];
    const items = Array.from({ length: member?.group.capacity ?? 0 }, (_, item) => item);
    return {
      ...{ family, received: its.length, accepted: its.filter((path) => paths.accepted[path] !== 0).length },
      told: items.filter((item) => member?.outbox.wasSent(item)).length,
      pending: items.filter((item) => member?.outbox.isPending(item)).length,
    };
  };

/** Neighbours that are alike have the same policy, so that there are groups. */
const exports = new WeakMap<object, ReturnType<typeof routePolicy>>();
const PLAIN_EXPORT = (rib: ReturnType<typeof newRib>): ReturnType<typeof routePolicy> => {
  const policy = exports.get(rib) ?? routePolicy(PLAIN, rib.store);
  exports.set(rib, policy);
  return policy;
};

const modelPeer = (index: number, kind: Kind, address: readonly number[], identifier = 0): ModelPeer => ({
  index,
  as: kind.as,
  address,
  identifier,
  isClient: kind.isClient ?? false,
  isServed: kind.isServed ?? false,
  setsNextHop: kind.setsNextHop ?? false,
  role: kind.role,
  takesStale: kind.takesStale ?? false,
  takesPaths: kind.takesPaths ?? false,
  importPolicy: PLAIN,
  exportPolicy: PLAIN,
  isUp: false,
});

const sendsPaths = ({ session }: Peer): boolean => session.rules.pathIdFamilies.length > 0;

const some = (values: readonly number[]): readonly number[] | undefined => (values.length > 0 ? values : undefined);

/** As it is after it has been read: what means nothing of an external neighbour is not there. */
const received = (route: Draft, peer: Peer, isIpv4: boolean): Attributes => {
  const { origin, med, communities, otc, hop, rest, localPref, originator, clusters } = route;
  const common = { origin, med, communities: some(communities), otc, nextHop: (isIpv4 ? HOPS : HOPS6)[hop]! };
  if (peer.isExternal)
    return compact({ ...common, path: [peer.settings.as, ...rest.filter((as) => as !== peer.settings.as)] });
  return compact({ ...common, path: rest, localPref, originator, clusters: some(clusters) });
};

const text = (route: Attributes): string => JSON.stringify(Object.entries(route).sort(([a], [b]) => (a < b ? -1 : 1)));
const sorted = (told: ReadonlyMap<string, readonly Attributes[]>): Record<string, string[]> =>
  Object.fromEntries([...told].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, all]) => [key, all.map(text).sort()]));

test('neighbours are told what a model tells them, whatever happens', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: 'max' }), fc.boolean(), (steps, comparesAllMeds) => {
      const world = new World(comparesAllMeds);
      for (const [i, peer] of world.peers.entries()) {
        if (i % 3 === 2) continue;
        peer.up();
        world.model.peers[i]!.isUp = true;
      }
      for (const one of steps) world.do(one);
      world.checkAll();
      world.end();
    }),
    { numRuns: 300 },
  );
});
