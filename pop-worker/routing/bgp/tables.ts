import { randomInt } from 'node:crypto';
import type { BgpError } from '#protocol/bgp/errors.ts';
import type { Negotiated } from '#protocol/bgp/fsm/negotiate.ts';
import { type PolicyNeighbour, RpkiState } from '#protocol/bgp/policy/route.ts';
import { OWN_NAME, type Policies, type RpkiName } from '#protocol/bgp/policy/rule.ts';
import { PrefixDestinations } from '#protocol/bgp/rib/destinations.ts';
import type { FamilyCounts, PathView } from '#protocol/bgp/rib/inspect.ts';
import type { LocalAddresses, NeighbourSettings } from '#protocol/bgp/rib/neighbour.ts';
import { NO_PREFIX, type PrefixTable } from '#protocol/bgp/rib/prefix-table.ts';
import { Rib } from '#protocol/bgp/rib/rib.ts';
import { OWN } from '#protocol/bgp/rib/route-policy.ts';
import { COUNTERPARTS } from '#protocol/bgp/wire/capabilities/role.ts';
import { addressBits, Family, familyName } from '#protocol/bgp/wire/families.ts';
import type { UpdateReader } from '#protocol/bgp/wire/update.ts';
import { formatIpAddress, parseIpAddress, parsePrefix } from '#protocol/ip/text.ts';
import type { ExplainedRoute, PrefixExplained } from './explained.ts';
import { ownAttributes } from './own-attributes.ts';
import { OwnExport } from './own-export.ts';
import { PolicyBook } from './policies.ts';
import { type RoutePage, type RouteQuery, routePage } from './route-list.ts';
import type { RouteTables, RouteValidator } from './route-tables.ts';
import type { BgpNeighbourConfig, BgpRoutesConfig, NeighbourRoutesConfig, OriginConfig } from './setup.ts';

/** The routes of all neighbours and our own: the RIB, filled as the configuration has it. */
export class Tables implements RouteTables {
  readonly rib: Rib;
  /** By index: our address towards a neighbour. */
  readonly #local: LocalAddress[] = [];
  readonly #neighbours: (PolicyNeighbour | undefined)[] = [];
  readonly #configs: (BgpNeighbourConfig | undefined)[] = [];
  #policies: PolicyBook;
  #validator: RouteValidator | undefined;

  /** @param costOf of next hops, as the RIB has it */
  constructor(
    { identifier, clusterId, comparesAllMeds, mostBytes, originate, policies }: BgpRoutesConfig,
    costOf?: (nextHop: Uint8Array) => number,
  ) {
    const key = { k0: randomInt(2 ** 32), k1: randomInt(2 ** 32) };
    this.rib = new Rib({ identifier, clusterId, comparesAllMeds, mostBytes, key, ...(costOf && { costOf }) });
    this.#policies = this.#bookOf(policies);
    for (const origin of originate) this.originate(origin);
  }

  originate({ prefix, ...attributes }: OriginConfig): void {
    const { family, address, length } = destinationOf(prefix);
    this.rib.originate(family, address, length, ownAttributes(attributes), new Uint8Array(0));
  }

  withdraw(prefix: string): void {
    const { family, address, length } = destinationOf(prefix);
    this.rib.withdrawOwn(family, address, length);
  }

  addNeighbour(config: BgpNeighbourConfig): number {
    const neighbour = policyNeighbourOf(config);
    const index = this.rib.addNeighbour(this.#settingsOf(config, neighbour));
    this.#neighbours[index] = neighbour;
    this.#configs[index] = config;
    return index;
  }

  change(index: number, routes: NeighbourRoutesConfig): boolean {
    const config = this.#configs[index];
    if (config === undefined) return false;
    const changed = { ...config, routes };
    this.#configs[index] = changed;
    this.rib.change(index, this.#settingsOf(changed, this.#neighbours[index]));
    const limitOf = (family: number): number =>
      routes.limits.find((one) => one.family === family)?.paths ?? Number.POSITIVE_INFINITY;
    return config.routes.limits.some(({ family, paths }) => limitOf(family) > paths);
  }

  setPolicies(policies: Policies, changes: ReadonlyMap<number, NeighbourRoutesConfig>): ReadonlySet<number> {
    this.#policies = this.#bookOf(policies);
    const raised = new Set<number>();
    for (const [index, config] of this.#configs.entries())
      if (config !== undefined && this.change(index, changes.get(index) ?? config.routes)) raised.add(index);
    return raised;
  }

  excess(index: number): BgpError | undefined {
    return this.rib.excess(index);
  }

  setValidator(validator: RouteValidator): void {
    this.#validator = validator;
  }

  revalidate(): void {
    this.#policies.forgetValidity();
    for (const [index, config] of this.#configs.entries()) {
      if (config === undefined) continue;
      const { session, routes } = config;
      const asks = [routes.import, routes.export].some((name) => this.#policies.asksValidity(name, session));
      if (asks) this.change(index, routes);
    }
  }

  removeNeighbour(index: number): void {
    this.rib.removeNeighbour(index);
    this.#neighbours[index] = undefined;
    this.#configs[index] = undefined;
  }

  get owesValidation(): boolean {
    return this.rib.owesValidation;
  }

  validateFlows(): void {
    this.rib.validateFlows();
  }

  setLocal(index: number, address: string, global?: string): void {
    this.#local[index] = { address, global };
  }

  up(index: number, negotiated: Negotiated): void {
    this.rib.up(index, negotiated, addressesOf(this.#local[index], this.#configs[index]?.routes));
  }

  down(index: number, kept: readonly number[]): void {
    this.rib.down(index, kept);
  }

  take(index: number, update: UpdateReader): void {
    this.rib.take(index, update);
  }

  refresh(index: number, family: number): void {
    this.rib.refresh(index, family);
  }

  dropStale(index: number, family: number): void {
    this.rib.dropStale(index, family);
  }

  keepLongLived(index: number, family: number): void {
    this.rib.keepLongLived(index, family);
  }

  refreshBegins(index: number, family: number): void {
    this.rib.refreshBegins(index, family);
  }

  refreshEnds(index: number, family: number): void {
    this.rib.refreshEnds(index, family);
  }

  page(query: RouteQuery, nameOf: (index: number) => string | undefined): RoutePage {
    return routePage(this.rib, query, nameOf, (...path) => this.#validityOf(...path));
  }

  hasOutput(index: number): boolean {
    return this.rib.hasOutput(index);
  }

  /**
   * What policies make of a prefix: of each path on its way in, and of the best one on its way to each neighbour.
   *
   * @param text the prefix, or an address: the longest one that it is in
   * @throws TypeError when it is neither
   */
  explain(text: string, isEnabled: (index: number) => boolean): PrefixExplained {
    const asked = destinationOf(text);
    const { family, address } = asked;
    const length = text.includes('/') ? asked.length : this.#longest(family, address);
    const destination = this.#prefixesOf(family)?.find(address, length) ?? NO_PREFIX;
    if (destination === NO_PREFIX) return { prefix: text, routes: [] };
    const paths = this.rib.pathsTo(family, address, length);
    const best = paths.find(({ isBest }) => isBest);
    return {
      prefix: prefixText(family, address, length),
      routes: [
        ...paths.flatMap((path) => this.#explainImport(path, family, destination)),
        ...(best === undefined ? [] : this.#explainExport(best, family, destination, isEnabled)),
      ],
    };
  }

  /** The length of the longest prefix that an address is in and there is a path to, to which the address is cut. */
  #longest(family: number, address: Uint32Array): number {
    for (let length = addressBits(family); length > 0; length--) {
      if (this.rib.pathsTo(family, address, length).length > 0) return length;
      const bit = length - 1;
      address[bit >>> 5] = (address[bit >>> 5] as number) & ~(1 << (31 - (bit & 31)));
    }
    return 0;
  }

  #explainImport({ source, received, isBest }: PathView, family: number, destination: number): ExplainedRoute[] {
    const config = this.#configs[source];
    if (config === undefined) return [];
    const { session, routes } = config;
    const { import: name } = routes;
    const explanation = this.#policies.explain(name, session, undefined, source, family, destination, received);
    const rpki = this.#validityOf(source, family, destination, received);
    return [{ from: config.name, isBest, ...(rpki && { rpki }), explanation }];
  }

  #explainExport(
    { source, accepted }: PathView,
    family: number,
    destination: number,
    isEnabled: (index: number) => boolean,
  ): ExplainedRoute[] {
    const from = this.#configs[source]?.name ?? OWN_NAME;
    return [...this.#configs.entries()].flatMap(([index, config]) => {
      if (config === undefined || index === source) return [];
      const { name, session } = config;
      const to = this.#neighbours[index];
      const own = this.#ownExport(config, to);
      // Of what others have sent, such a neighbour is told nothing.
      const policy = own !== undefined && source !== OWN ? 'own' : config.routes.export;
      const route = [source, family, destination, accepted] as const;
      const explanation = this.#policies.explain(policy, session, to, ...route, own?.finish);
      const withheld = !isEnabled(index)
        ? 'the neighbour is shut down'
        : session.capabilities.families.includes(family)
          ? undefined
          : `${familyName(family)} is not among the neighbour's families`;
      const telling =
        withheld === undefined ? this.rib.telling(index, family, destination, accepted, source) : { withheld };
      return [{ from, to: name, isBest: true, explanation, ...telling }];
    });
  }

  missingNextHops(index: number): number[] {
    return this.rib.missingNextHops(index);
  }

  get memory(): number {
    return this.rib.memory;
  }

  countsOf(index: number): FamilyCounts[] {
    return this.rib.countsOf(index);
  }

  /** What the RPKI says of a path; undefined: it is our own, or there is no cache. */
  #validityOf(source: number, family: number, destination: number, received: number): RpkiName | undefined {
    const config = this.#configs[source];
    if (config === undefined || this.#validator?.isWanted !== true) return undefined;
    return this.#policies.validityOf(config.session, source, family, destination, received);
  }

  #bookOf(policies: Policies): PolicyBook {
    return new PolicyBook(policies, {
      store: this.rib.store,
      prefixes: (family) => this.#prefixesOf(family),
      neighbour: (index) => this.#neighbours[index],
      validator: {
        state: (bits, address, length, as) => this.#validator?.state(bits, address, length, as) ?? RpkiState.notFound,
      },
    });
  }

  /** What tells a neighbour nothing but our own routes; undefined: it is one that may be told of others. */
  #ownExport({ session, routes }: BgpNeighbourConfig, to: PolicyNeighbour | undefined): OwnExport | undefined {
    const { edit, export: name } = routes;
    if (edit === undefined) return undefined;
    const policy = name === 'own' ? undefined : this.#policies.policyOf(name, session, to);
    return new OwnExport(this.rib.store, session.localAs, edit, policy);
  }

  #settingsOf(config: BgpNeighbourConfig, to: PolicyNeighbour | undefined): NeighbourSettings {
    const { address, session, routes } = config;
    const { isReflectorClient, isServed, setsNextHop, limits, flowValidation } = routes;
    return {
      as: session.remoteAs,
      localAs: session.localAs,
      address: bytesOfAddress(address),
      importPolicy: this.#policies.policyOf(routes.import, session),
      exportPolicy: this.#ownExport(config, to) ?? this.#policies.policyOf(routes.export, session, to),
      isReflectorClient,
      isServed,
      setsNextHop,
      limits,
      flowValidation,
    };
  }

  #prefixesOf(family: number): PrefixTable | undefined {
    const destinations = this.rib.families.find((one) => one.family === family)?.destinations;
    return destinations instanceof PrefixDestinations ? destinations.table : undefined;
  }

  nextUpdate(index: number, buffer: Uint8Array, at: number): number {
    return this.rib.nextUpdate(index, buffer, at);
  }
}

/** What the neighbour is to us, as our own role has it (RFC 9234 §4.2). */
const policyNeighbourOf = ({ name, address, session }: BgpNeighbourConfig): PolicyNeighbour => {
  const { role } = session.capabilities;
  return { name, address, as: session.remoteAs, role: role === undefined ? undefined : COUNTERPARTS[role] };
};

const bytesOfAddress = (text: string): Uint8Array => {
  const bytes = parseIpAddress(text.split('%')[0] as string);
  if (bytes === undefined) throw new TypeError(`"${text}" is no IP address`);
  return bytes;
};

/** In place of a global address: none. */
const UNSPECIFIED = '::';

/** Of a connection, as text; beside a link-local one there may be a global one. */
interface LocalAddress {
  readonly address: string;
  readonly global: string | undefined;
}

/** What we are to a neighbour as a next hop: what is configured before what the session has. */
const addressesOf = (
  local: LocalAddress | undefined,
  { nextHop4, nextHop6 }: Pick<NeighbourRoutesConfig, 'nextHop4' | 'nextHop6'> = {},
): LocalAddresses => {
  const { address = '', global } = local ?? {};
  const isLinkLocal = address.includes('%');
  const ipv4 = nextHop4 ?? (address.includes('.') ? address : undefined);
  const global6 = nextHop6 ?? (isLinkLocal ? global : address.includes(':') ? address : undefined);
  // RFC 2545 §3: both, for those on the link.
  const six = [
    ...(global6 === undefined || global6 === UNSPECIFIED ? [] : [global6]),
    ...(isLinkLocal ? [address] : []),
  ].map(bytesOfAddress);
  return {
    ...(ipv4 !== undefined && { ipv4: bytesOfAddress(ipv4) }),
    ...(six.length > 0 && { ipv6: Uint8Array.from(six.flatMap((bytes) => [...bytes])) }),
  };
};

/** @param text a prefix @returns with four words of address, IPv4 in the first */
const destinationOf = (text: string) => {
  const prefix = parsePrefix(text);
  if (prefix === undefined) throw new TypeError(`"${text}" is no prefix`);
  const { address: bytes, length } = prefix;
  const address = new Uint32Array(4);
  for (const [i, byte] of bytes.entries()) address[i >>> 2] = ((address[i >>> 2] as number) << 8) | byte;
  return { family: bytes.length === 4 ? Family.ipv4Unicast : Family.ipv6Unicast, address, length };
};

const prefixText = (family: number, address: Uint32Array, length: number): string => {
  const bytes = Uint8Array.from(
    { length: addressBits(family) / 8 },
    (_, i) => (address[i >>> 2] as number) >>> (24 - 8 * (i & 3)),
  );
  return `${formatIpAddress(bytes)}/${length}`;
};
