import { type Bird, TIME_FORMAT, withBird } from '../implementations/bird.ts';
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

const CHANNELS = { 'ipv4-unicast': 'ipv4', 'ipv6-unicast': 'ipv6', 'ipv4-flow': 'flow4' } as const;
const TABLES = { 'ipv4-unicast': 'master4', 'ipv6-unicast': 'master6', 'ipv4-flow': 'flowtab4' } as const;

const nameOf = (over: 4 | 6): string => `ours${over}`;
const pairs = (texts: readonly string[] = []): string[] => texts.map((text) => text.replaceAll(':', ','));

const attributesOf = ({ communities, largeCommunities, routeTargets, asPath }: Announced): string =>
  [
    ...pairs(communities).map((value) => `bgp_community.add((${value}));`),
    ...pairs(largeCommunities).map((value) => `bgp_large_community.add((${value}));`),
    ...pairs(routeTargets).map((value) => `bgp_ext_community.add((rt,${value}));`),
    ...(asPath ?? []).toReversed().map((as) => `bgp_path.prepend(${as});`),
  ].join(' ');

const channelOf = (route: Announced): 'ipv4' | 'ipv6' | 'flow4' => {
  if (route.dropPort !== undefined) return 'flow4';
  return route.prefix.includes(':') ? 'ipv6' : 'ipv4';
};

const routeText = (route: Announced): string => {
  const { prefix, dropPort } = route;
  if (dropPort !== undefined)
    return `  route flow4 { dst ${prefix}; dport = ${dropPort}; } { bgp_ext_community.add((generic,0x80060000,0)); };`;
  const attributes = attributesOf(route);
  return `  route ${prefix} blackhole${attributes === '' ? '' : ` { ${attributes} }`};`;
};

/** One protocol for each time that a prefix comes: they are paths of it. */
const staticsOf = (routes: readonly Announced[]): string[] => {
  const groups = new Map<string, Announced[]>();
  const seen = new Map<string, number>();
  for (const route of routes) {
    const channel = channelOf(route);
    const key = `${channel} ${route.prefix}`;
    const nth = seen.get(key) ?? 0;
    seen.set(key, nth + 1);
    const name = `${channel}_${nth}`;
    groups.set(name, [...(groups.get(name) ?? []), route]);
  }
  return [...groups].flatMap(([name, group]) => {
    const [channel = ''] = name.split('_');
    return [`protocol static routes_${name} {`, `  ${channel};`, ...group.map(routeText), '}'];
  });
};

/** MED is set where routes leave: of a static one it is taken away. */
const exportOf = (routes: readonly Announced[]): string[] => [
  'filter told {',
  ...routes
    .filter(({ med, dropPort }) => med !== undefined && dropPort === undefined)
    .map(({ prefix, med }) => `  if net = ${prefix} then bgp_med = ${med};`),
  ...routes.flatMap(({ prefix, toldWith }) =>
    pairs(toldWith).map((value) => `  if net = ${prefix} then bgp_community.add((${value}));`),
  ),
  '  accept;',
  '}',
];

/** Families besides, which nobody shares: so many that its capabilities need the long form (RFC 9072). */
const MORE_FAMILIES = [
  ...['ipv4 multicast { table multicast4; extended next hop yes;', 'ipv6 multicast { table multicast6;'],
  ...['ipv4 mpls { table labelled4; extended next hop yes;', 'ipv6 mpls { table labelled6;'],
  ...['vpn4 mpls { table private4; extended next hop yes;', 'vpn6 mpls { table private6;'],
  ...['flow4 { table flowtab4;', 'flow6 { table flowtab6;'],
].map((text) => `  ${text} add paths yes; import none; export none; };`);
const MORE_TABLES = [
  ...['ipv4 table multicast4;', 'ipv6 table multicast6;', 'ipv4 table labelled4;', 'ipv6 table labelled6;'],
  ...['vpn4 table private4;', 'vpn6 table private6;', 'flow6 table flowtab6;'],
];

const sessionText = ({ four, six, as }: PeerEnd, session: PeerSession): string[] => {
  const { over, families } = session;
  const channels = families.map((family) => {
    const options = [
      'import all;',
      `export filter told;`,
      ...(session.addPath === true ? ['add paths yes;'] : []),
      ...(session.extendedNextHop === true && family === 'ipv4-unicast' ? ['extended next hop yes;'] : []),
    ];
    return `  ${CHANNELS[family]} { ${options.join(' ')} };`;
  });
  return [
    `protocol bgp ${nameOf(over)} {`,
    `  local ${over === 4 ? four : six} as ${as};`,
    '  strict bind yes;',
    `  neighbor ${over === 4 ? OURS.four : OURS.six} as ${OUR_AS};`,
    '  connect delay time 1; connect retry time 2; error wait time 1, 2;',
    `  hold time ${session.holdSeconds ?? 90};`,
    `  graceful restart ${session.gracefulRestart === true ? 'yes' : 'no'};`,
    `  graceful restart time ${session.restartSeconds ?? 60};`,
    ...(session.longLivedSeconds === undefined
      ? []
      : ['  long lived graceful restart yes;', `  long lived stale time ${session.longLivedSeconds};`]),
    ...(session.hops === undefined ? [] : [`  multihop ${session.hops};`]),
    `  enable extended messages ${session.extendedMessages === true ? 'yes' : 'no'};`,
    ...(session.role === undefined ? [] : [`  local role ${session.role};`]),
    ...(session.password === undefined ? [] : [`  password "${session.password}";`]),
    ...(session.gtsm === true ? ['  ttl security yes;'] : []),
    ...(session.bfdMs === undefined ? [] : ['  bfd yes;']),
    ...channels,
    ...(session.extendedOpen === true ? ['  advertise hostname yes;', ...MORE_FAMILIES] : []),
    '}',
  ];
};

const bfdText = (sessions: readonly PeerSession[]): string[] => {
  const interval = sessions.find(({ bfdMs }) => bfdMs !== undefined)?.bfdMs;
  if (interval === undefined) return [];
  const timing = `min rx interval ${interval} ms; min tx interval ${interval} ms; multiplier 3;`;
  return [`protocol bfd { interface "*" { ${timing} }; }`];
};

const configurationOf = (end: PeerEnd, { sessions, routes }: PeerSetup): string =>
  [
    `router id ${end.four};`,
    TIME_FORMAT,
    'flow4 table flowtab4;',
    ...(sessions.some(({ extendedOpen }) => extendedOpen === true) ? MORE_TABLES : []),
    'protocol device {}',
    ...exportOf(routes),
    ...bfdText(sessions),
    ...staticsOf(routes),
    ...sessions.flatMap((session) => sessionText(end, session)),
    '',
  ].join('\n');

/** `(64500,1) (64500,2)`, or `(rt, 64500, 1)`: with colons, sorted. */
const communitiesText = (text = ''): string =>
  sorted([...text.matchAll(/\(([^)]*)\)/g)].map(([, inner = '']) => inner.split(/,\s*/).join(':')));

/** `(generic, 0x80060000, 0x0)` is written as we write what we do not know. */
const extendedText = (text = ''): string =>
  sorted(
    [...text.matchAll(/\(([^)]*)\)/g)].map(([, inner = '']) => {
      const [kind = '', first = '', second = ''] = inner.split(/,\s*/);
      if (kind !== 'generic') return [kind, first, second].join(':');
      const hex = (value: string): string => Number(value).toString(16).padStart(8, '0');
      return `0x${hex(first)}${hex(second)}`;
    }),
  );

/** Of `show route all`. */
const routesIn = (text: string): PlainRoute[] => {
  const routes: PlainRoute[] = [];
  let prefix = '';
  let values: Record<string, string> | undefined;
  let last = '';
  const end = (): void => {
    if (values === undefined) return;
    routes.push({
      ...{ prefix, asPath: values['as_path'] ?? '', nextHop: values['next_hop']?.split(' ')[0] ?? '' },
      ...{ med: values['med'] ?? '', communities: communitiesText(values['community']) },
      largeCommunities: communitiesText(values['large_community']),
      extendedCommunities: extendedText(values['ext_community']),
      onlyToCustomer: values['otc'] ?? '',
      originator: values['originator_id'] ?? '',
      clusterList: values['cluster_list'] ?? '',
    });
    values = undefined;
  };
  for (const line of text.split('\n')) {
    const head = /^(\S.*?)?\s+(?:unicast|blackhole|unreachable|prohibit)?\s*\[ours\d /.exec(line);
    const value = /^\s+BGP\.([a-z_]+): (.*)$/.exec(line);
    if (head !== null) {
      end();
      prefix = head[1] ?? prefix;
      values = {};
    } else if (value !== null && values !== undefined) {
      last = value[1] as string;
      values[last] = value[2] as string;
      // What is too long for a line goes on in the next.
    } else if (values !== undefined && /^\t\t\(/.test(line)) values[last] = `${values[last] ?? ''} ${line.trim()}`;
  }
  end();
  return routes;
};

class BirdPeer implements Peer {
  readonly #bird: Bird;
  readonly #end: PeerEnd;
  #setup: PeerSetup;

  constructor(bird: Bird, end: PeerEnd, setup: PeerSetup) {
    this.#bird = bird;
    this.#end = end;
    this.#setup = setup;
  }

  get pid(): number {
    return this.#bird.pid;
  }

  async session(over: 4 | 6): Promise<{ isEstablished: boolean; said: string }> {
    const said = await this.#bird.ask('show', 'protocols', 'all', nameOf(over));
    return { isEstablished: /BGP state:\s+Established/.test(said), said };
  }

  async routes(over: 4 | 6, family: FamilyName): Promise<PlainRoute[]> {
    const where = ['table', TABLES[family], 'protocol', nameOf(over), 'all'];
    return routesIn(await this.#bird.ask('show', 'route', ...where));
  }

  async count(over: 4 | 6, family: FamilyName): Promise<number> {
    const said = await this.#bird.ask('show', 'route', 'table', TABLES[family], 'protocol', nameOf(over), 'count');
    return Number(/^(\d+) of/m.exec(said)?.[1]);
  }

  async announce(routes: readonly Announced[]): Promise<void> {
    this.#setup = { ...this.#setup, routes };
    await this.#bird.configure(configurationOf(this.#end, this.#setup));
  }

  async askRefresh(over: 4 | 6): Promise<void> {
    await this.#bird.ask('reload', 'in', nameOf(over));
  }

  async shutDown(over: 4 | 6, text: string): Promise<void> {
    await this.#bird.ask('disable', nameOf(over), `"${text}"`);
  }

  async heard(over: 4 | 6): Promise<string> {
    return (await this.session(over)).said;
  }

  async restart(over: 4 | 6): Promise<void> {
    await this.#bird.ask('restart', nameOf(over));
  }
}

/** Runs `work` beside a BIRD that is our neighbour. @throws PeerMissing */
export const withBirdPeer = <T>(end: PeerEnd, setup: PeerSetup, work: (peer: Peer) => Promise<T>): Promise<T> => {
  const more = setup.isRestarted === true ? ['-R'] : [];
  return withBird(end.namespace, configurationOf(end, setup), (bird) => work(new BirdPeer(bird, end, setup)), more);
};
