import { type Frr, withFrr } from '../implementations/frr.ts';
import {
  type Announced,
  type FamilyName,
  OUR_AS,
  OURS,
  type Peer,
  type PeerEnd,
  type PeerSession,
  type PeerSetup,
  type PlainRoute,
  sorted,
} from './peer.ts';

const FAMILIES = {
  'ipv4-unicast': 'ipv4 unicast',
  'ipv6-unicast': 'ipv6 unicast',
  'ipv4-flow': 'ipv4 flowspec',
} as const;
const KEYS = { 'ipv4-unicast': 'ipv4Unicast', 'ipv6-unicast': 'ipv6Unicast', 'ipv4-flow': 'ipv4Flowspec' } as const;

const addressOf = (over: 4 | 6): string => (over === 4 ? OURS.four : OURS.six);
const familyOf = ({ prefix }: Announced): FamilyName => (prefix.includes(':') ? 'ipv6-unicast' : 'ipv4-unicast');
const mapOf = ({ prefix }: Announced): string => `told-${prefix}`;

/** Its lines have an end. */
const chunksOf = (values: readonly string[]): string[][] =>
  Array.from({ length: Math.ceil(values.length / 100) }, (_, i) => values.slice(100 * i, 100 * i + 100));

/** What goes with a route. */
const mapText = (route: Announced): string[] => {
  const { med, routeTargets, asPath, largeCommunities = [] } = route;
  const { communities = [] } = route;
  return [
    `route-map ${mapOf(route)} permit 10`,
    ...(med === undefined ? [] : [` set metric ${med}`]),
    ...(communities.length === 0 ? [] : [` set community ${communities.join(' ')}`]),
    ...(routeTargets === undefined ? [] : [` set extcommunity rt ${routeTargets.join(' ')}`]),
    ...(asPath === undefined ? [] : [` set as-path prepend ${asPath.join(' ')}`]),
    ' on-match next',
    ...chunksOf(largeCommunities).flatMap((some, i) => [
      `route-map ${mapOf(route)} permit ${20 + i}`,
      ` set large-community ${some.join(' ')} additive`,
      ' on-match next',
    ]),
    `route-map ${mapOf(route)} permit 1000`,
    'exit',
  ];
};

/** What is added where routes leave: what their own speaker would act on. */
const leavingText = (routes: readonly Announced[]): string[] => [
  ...routes.flatMap(({ prefix, toldWith }, i) =>
    toldWith === undefined
      ? []
      : [
          `ip prefix-list leaving-${i} permit ${prefix}`,
          `route-map leaving permit ${10 + i}`,
          ` match ip address prefix-list leaving-${i}`,
          ` set community ${toldWith.join(' ')} additive`,
          'exit',
        ],
  ),
  ...['route-map leaving permit 1000', 'exit'],
];

const networkText = (route: Announced, isGone: boolean): string[] => [
  `address-family ${FAMILIES[familyOf(route)]}`,
  `${isGone ? 'no ' : ''}network ${route.prefix}${isGone ? '' : ` route-map ${mapOf(route)}`}`,
  'exit-address-family',
];

const sessionText = ({ four, six }: PeerEnd, session: PeerSession): string[] => {
  const hold = session.holdSeconds ?? 90;
  const neighbour = (words: string): string => `neighbor ${addressOf(session.over)} ${words}`;
  return [
    neighbour(`remote-as ${OUR_AS}`),
    neighbour(`update-source ${session.over === 4 ? four : six}`),
    neighbour(`timers ${Math.floor(hold / 3)} ${hold}`),
    neighbour('timers connect 1'),
    neighbour('advertisement-interval 0'),
    ...(session.password === undefined ? [] : [neighbour(`password ${session.password}`)]),
    ...(session.gtsm === true ? [neighbour(`ttl-security hops ${session.hops ?? 1}`)] : []),
    ...(session.role === undefined ? [] : [neighbour(`local-role ${session.role}`)]),
    ...(session.extendedNextHop === true ? [neighbour('capability extended-nexthop')] : []),
    neighbour(session.gracefulRestart === true ? 'graceful-restart' : 'graceful-restart-disable'),
    ...session.families.flatMap((family) => [
      `address-family ${FAMILIES[family]}`,
      neighbour('activate'),
      ...(family === 'ipv4-unicast' ? [neighbour('route-map leaving out')] : []),
      ...(session.addPath === true ? [neighbour('addpath-tx-all-paths')] : []),
      'exit-address-family',
    ]),
  ];
};

const configurationOf = (end: PeerEnd, { sessions, routes }: PeerSetup): string =>
  [
    ...routes.flatMap(mapText),
    ...leavingText(routes),
    `router bgp ${end.as}`,
    `bgp router-id ${end.four}`,
    'no bgp ebgp-requires-policy',
    'no bgp default ipv4-unicast',
    'no bgp network import-check',
    'bgp graceful-restart preserve-fw-state',
    `bgp graceful-restart restart-time ${sessions[0]?.restartSeconds ?? 60}`,
    ...(sessions[0]?.longLivedSeconds === undefined
      ? []
      : [`bgp long-lived-graceful-restart stale-time ${sessions[0].longLivedSeconds}`]),
    ...sessions.flatMap((session) => sessionText(end, session)),
    ...routes.flatMap((route) => networkText(route, false)),
    'exit',
    '',
  ].join('\n');

/** One way to a prefix, as `show bgp … json detail` has it. */
interface Path {
  readonly aspath?: { readonly string?: string };
  readonly metric?: number;
  readonly otc?: number;
  readonly originatorId?: string;
  readonly clusterList?: { readonly list?: readonly string[] };
  readonly community?: { readonly string?: string };
  readonly largeCommunity?: { readonly string?: string };
  readonly extendedCommunity?: { readonly string?: string };
  readonly nexthops?: readonly { readonly ip?: string; readonly scope?: string }[];
  readonly peer?: { readonly peerId?: string };
}

const NAMES: Readonly<Record<string, string>> = {
  'no-export': '65535:65281',
  'no-advertise': '65535:65282',
  'graceful-shutdown': '65535:0',
  blackhole: '65535:666',
  'llgr-stale': '65535:6',
};
const words = (text = ''): string[] => text.split(' ').filter((word) => word !== '');

const plainOf = (prefix: string, path: Path): PlainRoute => ({
  prefix,
  asPath: path.aspath?.string === 'Local' ? '' : (path.aspath?.string ?? ''),
  nextHop: (path.nexthops?.find(({ scope }) => scope !== 'link-local') ?? path.nexthops?.[0])?.ip ?? '',
  med: String(path.metric ?? ''),
  communities: sorted(words(path.community?.string).map((word) => NAMES[word] ?? word)),
  largeCommunities: sorted(words(path.largeCommunity?.string)),
  extendedCommunities: sorted(words(path.extendedCommunity?.string).map((word) => word.replace(/^RT:/, 'rt:'))),
  onlyToCustomer: String(path.otc ?? ''),
  originator: path.originatorId ?? '',
  clusterList: (path.clusterList?.list ?? []).join(' '),
});

class FrrPeer implements Peer {
  readonly #frr: Frr;
  readonly #end: PeerEnd;
  #routes: readonly Announced[];

  constructor(frr: Frr, end: PeerEnd, { routes }: PeerSetup) {
    this.#frr = frr;
    this.#end = end;
    this.#routes = routes;
  }

  get pid(): number {
    return this.#frr.pid;
  }

  async session(over: 4 | 6): Promise<{ isEstablished: boolean; said: string }> {
    const said = await this.#frr.ask(`show bgp neighbors ${addressOf(over)} json`);
    return { isEstablished: /"bgpState":"Established"/.test(said), said };
  }

  async routes(over: 4 | 6, family: FamilyName): Promise<PlainRoute[]> {
    if (family === 'ipv4-flow') return this.#flows();
    const said = await this.#frr.ask(`show bgp ${FAMILIES[family]} json detail`);
    const { routes } = JSON.parse(said) as { readonly routes: Readonly<Record<string, readonly Path[]>> };
    return Object.entries(routes).flatMap(([prefix, paths]) =>
      paths.filter(({ peer }) => peer?.peerId === addressOf(over)).map((path) => plainOf(prefix, path)),
    );
  }

  async count(over: 4 | 6, family: FamilyName): Promise<number> {
    const { said } = await this.session(over);
    const [session] = Object.values(
      JSON.parse(said) as Readonly<
        Record<string, { readonly addressFamilyInfo?: Readonly<Record<string, { acceptedPrefixCounter?: number }>> }>
      >,
    );
    return session?.addressFamilyInfo?.[KEYS[family]]?.acceptedPrefixCounter ?? 0;
  }

  async announce(routes: readonly Announced[]): Promise<void> {
    const gone = this.#routes.filter((one) => !routes.includes(one));
    const lines = [
      ...gone.flatMap((one) => networkText(one, true)),
      ...routes.flatMap((one) => networkText(one, false)),
    ];
    await this.#frr.configure(...routes.flatMap(mapText), `router bgp ${this.#end.as}`, ...lines);
    this.#routes = routes;
  }

  async askRefresh(over: 4 | 6): Promise<void> {
    await this.#frr.ask(`clear bgp ${addressOf(over)} soft in`);
  }

  async shutDown(over: 4 | 6, text: string): Promise<void> {
    await this.#frr.configure(`router bgp ${this.#end.as}`, `neighbor ${addressOf(over)} shutdown message ${text}`);
  }

  async heard(over: 4 | 6): Promise<string> {
    return (await this.session(over)).said;
  }

  async restart(over: 4 | 6): Promise<void> {
    await this.#frr.ask(`clear bgp ${addressOf(over)}`);
  }

  /** It has no other form of them than a text. */
  async #flows(): Promise<PlainRoute[]> {
    const said = await this.#frr.ask('show bgp ipv4 flowspec detail');
    const empty = {
      asPath: '',
      nextHop: '',
      med: '',
      communities: '',
      largeCommunities: '',
      onlyToCustomer: '',
    } as const;
    return said.includes('BGP flowspec entry')
      ? [{ prefix: said, ...empty, extendedCommunities: '', originator: '', clusterList: '' }]
      : [];
  }
}

/** Runs `work` beside an FRR that is our neighbour. @throws PeerMissing */
export const withFrrPeer = <T>(end: PeerEnd, setup: PeerSetup, work: (peer: Peer) => Promise<T>): Promise<T> =>
  withFrr(end.namespace, [end.four, end.six], configurationOf(end, setup), (frr) => work(new FrrPeer(frr, end, setup)));
