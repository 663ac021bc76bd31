import { BEYOND_PREFIX, type Host, type Pair, withChain, withPair } from '#bench/harness/network.ts';
import { runCommand } from '#lab/command.ts';
import { withBirdPeer } from './bird.ts';
import { withFrrPeer } from './frr.ts';
import { withGoBgpPeer } from './gobgp.ts';
import {
  counterpartOf,
  type NeighbourSettings,
  neighbourName,
  type Origin,
  type OurSpeaker,
  withOurs,
} from './ours.ts';
import { OURS, type Peer, type PeerEnd, type PeerSession, type PeerSetup } from './peer.ts';
import { until } from './until.ts';

const LINK_MTU = 1500;
const DEVICE = 'veth0';
/** What we tell neighbours at our end. */
export const GOODBYE = 'back at noon';
export const PASSWORD = 'some-secret';

export type PeerName = PeerEnd['name'];

const ENDS = {
  BIRD: { name: 'BIRD', as: 64_500, four: '192.0.2.1', six: '2001:db8::1' },
  GoBGP: { name: 'GoBGP', as: 64_501, four: '192.0.2.3', six: '2001:db8::3' },
  FRR: { name: 'FRR', as: 64_502, four: '192.0.2.4', six: '2001:db8::4' },
} as const satisfies Record<PeerName, Omit<PeerEnd, 'namespace'>>;

export const asOf = (name: PeerName): number => ENDS[name].as;
export const addressOf = (name: PeerName, over: 4 | 6): string => (over === 4 ? ENDS[name].four : ENDS[name].six);

const WITH = { BIRD: withBirdPeer, GoBGP: withGoBgpPeer, FRR: withFrrPeer } as const;

/** `withPair` takes IPv6 off. */
const giveAddresses = async ({ namespace }: Host, addresses: readonly string[]): Promise<void> => {
  const on = 'for name in default all veth0; do echo 0 > /proc/sys/net/ipv6/conf/$name/disable_ipv6; done';
  await runCommand('ip', ['netns', 'exec', namespace, 'sh', '-c', on]);
  const lines = addresses.map((one) => `address add ${one} dev ${DEVICE}${one.includes(':') ? ' nodad' : ''}\n`);
  await runCommand('ip', ['-n', namespace, '-batch', '-'], { input: lines.join('') });
};

/** A peer of a scene. */
export interface Cast {
  readonly name: PeerName;
  readonly setup: PeerSetup;
  /** In place of its own. */
  readonly as?: number;
  /** In place of what makes us its counterpart, in all sessions. */
  readonly ours?: NeighbourSettings;
}

export interface Scene {
  readonly ours: OurSpeaker;
  /** The first of the cast. */
  readonly peer: Peer;
  /** In the order of the cast. */
  readonly peers: readonly Peer[];
  /** Runs `work` beside the first of the cast, started once more after it was killed. */
  again<T>(work: (peer: Peer) => Promise<T>): Promise<T>;
  /** Nothing gets through the link any more, and no end is told. */
  cut(): Promise<void>;
}

interface SceneSetup {
  /** A router is between us and the one peer, which has other addresses there. */
  readonly isFar?: boolean;
  /** TCP keeps few bytes on either side. */
  readonly isTight?: boolean;
  readonly cast: readonly Cast[];
  readonly originate?: readonly Origin[];
}

/** As if the other end had another hardware address: nobody hears what is sent. */
const cutter = (server: Host, client: Host) => async (): Promise<void> => {
  const forget = async ({ namespace }: Host, addresses: readonly string[]): Promise<void> => {
    const line = (to: string): string =>
      `neighbour replace ${to} lladdr 02:00:00:00:00:99 nud permanent dev ${DEVICE}\n`;
    await runCommand('ip', ['-n', namespace, '-batch', '-'], { input: addresses.map(line).join('') });
  };
  await Promise.all([
    forget(server, [OURS.four, OURS.six]),
    forget(
      client,
      Object.values(ENDS).flatMap(({ four, six }) => [four, six]),
    ),
  ]);
};

const withPeers = <T>(
  [end, ...ends]: readonly PeerEnd[],
  [first, ...rest]: readonly Cast[],
  work: (peers: readonly Peer[]) => Promise<T>,
): Promise<T> => {
  if (first === undefined || end === undefined) return work([]);
  return WITH[first.name](end, first.setup, (peer) => withPeers(ends, rest, (peers) => work([peer, ...peers])));
};

/** Where a peer is behind a router; it has the other addresses besides. */
const FAR = '203.0.113.2';

const endOf = ({ name, as }: Cast, namespace: string, isFar: boolean): PeerEnd => ({
  ...{ ...ENDS[name], namespace },
  ...(as !== undefined && { as }),
  ...(isFar && { four: FAR }),
});

const FEW = '4096 16384 32768';
const tighten = async ({ server, client }: Pair): Promise<void> => {
  for (const { namespace } of [server, client]) {
    const set = `cd /proc/sys/net/ipv4; echo ${FEW} > tcp_rmem; echo ${FEW} > tcp_wmem`;
    await runCommand('ip', ['netns', 'exec', namespace, 'sh', '-c', set]);
  }
};

/** What this peer sends to us leaves with its own address where it does not choose one: GoBGP's BFD. */
const sendFrom = async ({ namespace, four, six }: PeerEnd): Promise<void> => {
  const lines = [`${OURS.four}/32 dev ${DEVICE} src ${four}`, `${OURS.six}/128 dev ${DEVICE} src ${six}`];
  const input = lines.map((line) => `route replace ${line}\n`).join('');
  await runCommand('ip', ['-n', namespace, '-batch', '-'], { input });
};

/** We are the client of the pair, peers the server. */
const withLink = <T>(isFar: boolean, work: (pair: Pair) => Promise<T>): Promise<T> => {
  if (!isFar) {
    return withPair(LINK_MTU, async (pair) => {
      // The first address of the server is there already.
      const all = Object.values(ENDS).flatMap(({ four, six }) => [`${four}/24`, `${six}/64`]);
      await giveAddresses(
        pair.server,
        all.filter((one) => one !== `${ENDS.BIRD.four}/24`),
      );
      await giveAddresses(pair.client, [`${OURS.six}/64`]);
      return work(pair);
    });
  }
  return withChain(LINK_MTU, async ({ server, client, beyond }) => {
    const six = Object.values(ENDS).map((end) => `address add ${end.six}/128 dev lo\n`);
    const on = 'for name in default all lo; do echo 0 > /proc/sys/net/ipv6/conf/$name/disable_ipv6; done';
    await runCommand('ip', ['netns', 'exec', beyond.namespace, 'sh', '-c', on]);
    await runCommand('ip', ['-n', beyond.namespace, '-batch', '-'], { input: six.join('') });
    await runCommand('ip', ['-n', client.namespace, 'route', 'add', BEYOND_PREFIX, 'via', server.address]);
    return work({ server: beyond, client });
  });
};

/** Runs `work` with our speaker on one side of a link and the peers on the other. @throws PeerMissing */
export const withScene = <T>(setup: SceneSetup, work: (scene: Scene) => Promise<T>): Promise<T> => {
  const { cast, originate = [], isFar = false, isTight = false } = setup;
  return withLink(isFar, async (pair) => {
    const { server, client } = pair;
    if (isTight) await tighten(pair);
    const neighbours = (keyFile: string): NeighbourSettings[] =>
      cast.flatMap((one) => {
        const end = endOf(one, '', isFar);
        return one.setup.sessions.map((session) => ({ ...counterpartOf(end, session, keyFile), ...one.ours }));
      });
    const ends = cast.map((one) => endOf(one, server.namespace, isFar));
    const watched = cast.findIndex(({ setup: { sessions } }) => sessions.some(({ bfdMs }) => bfdMs !== undefined));
    if (watched >= 0) await sendFrom(ends[watched] as PeerEnd);
    return withPeers(ends, cast, (peers) =>
      withOurs(client.namespace, { neighbours, password: PASSWORD, originate, shutdownText: GOODBYE }, (ours) =>
        work({
          ...{ ours, peer: peers[0] as Peer, peers, cut: cutter(server, client) },
          again: (resume) => {
            const [first, end] = [cast[0] as Cast, ends[0] as PeerEnd];
            return WITH[first.name](end, { ...first.setup, isRestarted: true }, resume);
          },
        }),
      ),
    );
  });
};

export const nameIn = (name: PeerName, over: 4 | 6): string => neighbourName({ ...ENDS[name], namespace: '' }, over);

/** Both ends say that a session is established. */
export const bothEstablished = async (ours: OurSpeaker, peer: Peer, name: PeerName, over: 4 | 6): Promise<void> =>
  until(`the session with ${name} over IPv${over} is established at both ends`, async () => {
    if (!(await ours.isEstablished(nameIn(name, over)))) return false;
    return (await peer.session(over)).isEstablished;
  });

/** Sessions over both families. */
export const bothSessions = (more: Partial<PeerSession> = {}): readonly PeerSession[] => [
  { over: 4, families: ['ipv4-unicast'], ...more },
  { over: 6, families: ['ipv6-unicast'], ...more },
];
/** One over IPv4. */
export const oneSession = (more: Partial<PeerSession> = {}): readonly PeerSession[] => [
  { over: 4, families: ['ipv4-unicast'], ...more },
];
