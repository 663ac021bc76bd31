import { type GoBgp, withGoBgp } from '../implementations/gobgp.ts';
import {
  type Announced,
  communitiesOf,
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

const NAMES = { 'ipv4-unicast': 'ipv4-unicast', 'ipv6-unicast': 'ipv6-unicast', 'ipv4-flow': 'ipv4-flowspec' } as const;
/** As its client has them. */
const SHORT = { 'ipv4-unicast': 'ipv4', 'ipv6-unicast': 'ipv6', 'ipv4-flow': 'ipv4-flowspec' } as const;
/** The state of a session that is established (RFC 4271 §8.2.2). */
const ESTABLISHED = 6;

const addressOf = (over: 4 | 6): string => (over === 4 ? OURS.four : OURS.six);

const sessionText = ({ four, six }: PeerEnd, session: PeerSession): string[] => [
  '[[neighbors]]',
  '[neighbors.config]',
  `neighbor-address = "${addressOf(session.over)}"`,
  `peer-as = ${OUR_AS}`,
  ...(session.password === undefined ? [] : [`auth-password = "${session.password}"`]),
  '[neighbors.transport.config]',
  `local-address = "${session.over === 4 ? four : six}"`,
  '[neighbors.timers.config]',
  'connect-retry = 2',
  'idle-hold-time-after-reset = 1',
  `hold-time = ${session.holdSeconds ?? 90}`,
  `keepalive-interval = ${Math.floor((session.holdSeconds ?? 90) / 3)}`,
  ...(session.gtsm === true
    ? ['[neighbors.ttl-security.config]', 'enabled = true', `ttl-min = ${256 - (session.hops ?? 1)}`]
    : []),
  ...(session.gracefulRestart === true
    ? [
        ...['[neighbors.graceful-restart.config]', 'enabled = true'],
        `restart-time = ${session.restartSeconds ?? 60}`,
        ...(session.longLivedSeconds === undefined ? [] : ['long-lived-enabled = true']),
      ]
    : []),
  ...(session.bfdMs === undefined
    ? []
    : [
        ...['[neighbors.bfd.config]', 'enabled = true', 'detection-multiplier = 3'],
        `desired-minimum-tx-interval = ${session.bfdMs * 1000}`,
        `required-minimum-receive = ${session.bfdMs * 1000}`,
      ]),
  ...session.families.flatMap((family) => [
    '[[neighbors.afi-safis]]',
    '[neighbors.afi-safis.config]',
    `afi-safi-name = "${NAMES[family]}"`,
    ...(session.gracefulRestart === true ? ['[neighbors.afi-safis.mp-graceful-restart.config]', 'enabled = true'] : []),
    ...(session.longLivedSeconds === undefined
      ? []
      : [
          ...['[neighbors.afi-safis.long-lived-graceful-restart.config]', 'enabled = true'],
          `restart-time = ${session.longLivedSeconds}`,
        ]),
    ...(session.addPath === true ? ['[neighbors.afi-safis.add-paths.config]', 'receive = true', 'send-max = 8'] : []),
  ]),
];

const configurationOf = (end: PeerEnd, { sessions }: PeerSetup): string =>
  [
    '[global.config]',
    `as = ${end.as}`,
    `router-id = "${end.four}"`,
    `local-address-list = ["${end.four}", "${end.six}"]`,
    ...sessions.flatMap((session) => sessionText(end, session)),
    '',
  ].join('\n');

const wordsOf = (route: Announced): string[] => {
  const { prefix, dropPort, med, largeCommunities, routeTargets, asPath } = route;
  if (dropPort !== undefined)
    return ['match', 'destination', prefix, 'destination-port', `==${dropPort}`, 'then', 'discard'];
  const communities = communitiesOf(route);
  return [
    prefix,
    ...['origin', 'igp'],
    ...(asPath === undefined ? [] : ['aspath', asPath.join(',')]),
    ...(med === undefined ? [] : ['med', String(med)]),
    ...(communities.length === 0 ? [] : ['community', communities.join(',')]),
    ...(largeCommunities === undefined ? [] : ['large-community', largeCommunities.join(',')]),
    ...(routeTargets === undefined ? [] : ['rt', ...routeTargets]),
  ];
};

const familyOf = ({ prefix, dropPort }: Announced): FamilyName => {
  if (dropPort !== undefined) return 'ipv4-flow';
  return prefix.includes(':') ? 'ipv6-unicast' : 'ipv4-unicast';
};

interface Attribute {
  readonly type: number;
  readonly value?: unknown;
  readonly as_paths?: readonly { readonly asns: readonly number[] }[];
  readonly nexthop?: string;
  readonly metric?: number;
  readonly communities?: readonly number[];
}

interface Path {
  readonly nlri: { readonly prefix?: string; readonly value?: readonly FlowPart[] };
  readonly attrs: readonly Attribute[];
}

type FlowPart = { readonly type: number; readonly value: unknown };

const extendedText = (value: unknown): string => {
  const { subtype, value: text } = value as { type: number; subtype: number; value?: string };
  if (typeof text === 'string') return `${subtype === 2 ? 'rt' : 'ro'}:${text}`;
  return JSON.stringify(value);
};

const plainOf = (prefix: string, { attrs }: Path): PlainRoute => {
  const one = (type: number): Attribute | undefined => attrs.find((attribute) => attribute.type === type);
  const large = (one(32)?.value ?? []) as readonly { ASN: number; LocalData1: number; LocalData2: number }[];
  const extended = (one(16)?.value ?? []) as readonly unknown[];
  // It has no other way to say what it does not know.
  const otc = one(35)?.value;
  return {
    prefix,
    asPath: (one(2)?.as_paths ?? []).flatMap(({ asns }) => asns).join(' '),
    nextHop: one(3)?.nexthop ?? one(14)?.nexthop ?? '',
    med: String(one(4)?.metric ?? ''),
    communities: sorted((one(8)?.communities ?? []).map((value) => `${value >>> 16}:${value & 0xffff}`)),
    largeCommunities: sorted(large.map(({ ASN, LocalData1, LocalData2 }) => `${ASN}:${LocalData1}:${LocalData2}`)),
    extendedCommunities: sorted(extended.map(extendedText)),
    originator: String(one(9)?.value ?? ''),
    clusterList: ((one(10)?.value ?? []) as readonly string[]).join(' '),
    onlyToCustomer: typeof otc === 'string' ? String(Buffer.from(otc, 'base64').readUInt32BE()) : '',
  };
};

class GoBgpPeer implements Peer {
  readonly #gobgp: GoBgp;
  #routes: readonly Announced[] = [];

  constructor(gobgp: GoBgp) {
    this.#gobgp = gobgp;
  }

  get pid(): number {
    return this.#gobgp.pid;
  }

  async session(over: 4 | 6): Promise<{ isEstablished: boolean; said: string }> {
    const said = await this.#gobgp.ask('neighbor', addressOf(over), '-j');
    const { state } = JSON.parse(said) as { readonly state: { readonly session_state?: number } };
    return { isEstablished: state.session_state === ESTABLISHED, said };
  }

  async routes(over: 4 | 6, family: FamilyName): Promise<PlainRoute[]> {
    // Its client fails where there is no session, and so no routes.
    if (!(await this.session(over)).isEstablished) return [];
    const said = await this.#gobgp.ask('neighbor', addressOf(over), 'adj-in', '-a', SHORT[family], '-j');
    const table = JSON.parse(said) as Readonly<Record<string, readonly Path[]>>;
    return Object.entries(table).flatMap(([prefix, paths]) => paths.map((path) => plainOf(prefix, path)));
  }

  async count(over: 4 | 6, family: FamilyName): Promise<number> {
    const said = JSON.parse((await this.session(over)).said) as {
      readonly afi_safis: readonly { readonly state: { readonly family: object; readonly received?: number } }[];
    };
    const wanted = { 'ipv4-unicast': [1, 1], 'ipv6-unicast': [2, 1], 'ipv4-flow': [1, 133] }[family];
    const found = said.afi_safis.find(
      ({ state }) => JSON.stringify(Object.values(state.family)) === JSON.stringify(wanted),
    );
    return found?.state.received ?? 0;
  }

  async announce(routes: readonly Announced[]): Promise<void> {
    for (const route of this.#routes)
      await this.#gobgp.ask('global', 'rib', 'del', '-a', SHORT[familyOf(route)], ...wordsOf(route));
    for (const route of routes)
      await this.#gobgp.ask('global', 'rib', 'add', '-a', SHORT[familyOf(route)], ...wordsOf(route));
    this.#routes = routes;
  }

  async askRefresh(over: 4 | 6): Promise<void> {
    await this.#gobgp.ask('neighbor', addressOf(over), 'softresetin');
  }

  async shutDown(over: 4 | 6, text: string): Promise<void> {
    await this.#gobgp.ask('neighbor', addressOf(over), 'shutdown', '--reason', text);
  }

  async heard(): Promise<string> {
    return this.#gobgp.log;
  }

  async restart(over: 4 | 6): Promise<void> {
    await this.#gobgp.ask('neighbor', addressOf(over), 'reset');
  }
}

/** Runs `work` beside a GoBGP that is our neighbour. @throws PeerMissing */
export const withGoBgpPeer = <T>(end: PeerEnd, setup: PeerSetup, work: (peer: Peer) => Promise<T>): Promise<T> => {
  const more = setup.isRestarted === true ? ['--graceful-restart'] : [];
  const run = async (gobgp: GoBgp): Promise<T> => {
    const peer = new GoBgpPeer(gobgp);
    await peer.announce(setup.routes);
    return work(peer);
  };
  return withGoBgp(end.namespace, configurationOf(end, setup), run, more);
};
