import { withChain, withPair, withTap } from '#bench/harness/network.ts';
import { withPrograms } from '#bench/harness/program.ts';
import { type Guest, withGuest } from '../guest/guest.ts';
import { type StartProgram, sideOfKernel, sideOfOurKernel, sideOfProgram } from './ends.ts';
import type { PeerName } from './implementations.ts';
import { type Place, placeOfGuest, placeOfNamespace } from './place.ts';
import type { Side } from './side.ts';

const LINK_MTU = 1500;
/** The guest's link, as a device on our side. */
const TAP = 'veth0';
const MAC = '52:54:00:00:00:01';
const MODULES = ['wireguard', 'veth'];
const MEMORY_MIB = 768;

export interface PeerLines {
  /** Where the other one is; absent: it is not told. */
  readonly over?: 4 | 6;
  readonly presharedKey?: string;
  readonly keepaliveS?: number;
  readonly allowedIps?: string;
}

/** A configuration file for `wg` of one end, with the other as its peer. */
export const configurationOf = (own: Side, other: Side, lines: PeerLines = {}): string => {
  const { over, presharedKey, keepaliveS, allowedIps } = lines;
  const { inner, outer, port } = other.end;
  const host = over === 6 ? `[${outer[6]}]` : outer[4];
  return [
    ...['[Interface]', `PrivateKey = ${own.keys.privateKey}`, `ListenPort = ${own.end.port}`, '[Peer]'],
    `PublicKey = ${other.keys.publicKey}`,
    `AllowedIPs = ${allowedIps ?? `${inner[4]}/32, ${inner[6]}/128`}`,
    ...(over === undefined ? [] : [`Endpoint = ${host}:${port}`]),
    ...(presharedKey === undefined ? [] : [`PresharedKey = ${presharedKey}`]),
    ...(keepaliveS === undefined ? [] : [`PersistentKeepalive = ${keepaliveS}`]),
    '',
  ].join('\n');
};

export interface Scene {
  readonly ours: Side;
  readonly theirs: Side;
  /** Configures both anew: each with the other as its peer. */
  configure(ours: PeerLines, theirs?: PeerLines): Promise<void>;
}

/** Runs `work` with two interfaces that exist and have addresses, and nothing else. @throws PeerMissing */
const between = <T>(
  ourNamespace: string,
  makeTheirs: (start: StartProgram) => Promise<Side>,
  work: (scene: Scene) => Promise<T>,
): Promise<T> =>
  withPrograms(async (start) => {
    const ours = await sideOfProgram(start, 'ours', 'ours', ourNamespace);
    const theirs = await makeTheirs(start);
    const configure = async (lines: PeerLines, others: PeerLines = {}): Promise<void> => {
      const [first, second] = [
        () => theirs.configure(configurationOf(theirs, ours, others)),
        () => ours.configure(configurationOf(ours, theirs, lines)),
      ];
      // Who begins by itself must not do so before the other knows it: it would wait for five seconds.
      for (const act of others.over === undefined ? [first, second] : [second, first]) await act();
    };
    try {
      return await work({ ours, theirs, configure });
    } finally {
      await Promise.all([ours.stop(), theirs.stop()]);
    }
  });

const withKernel = <T>(
  work: (scene: Scene, guest: Guest) => Promise<T>,
  sideOf: (guest: Guest) => Promise<Side> = (guest) => sideOfKernel(guest),
): Promise<T> =>
  withTap(TAP, LINK_MTU, ({ namespace }) =>
    withGuest({ modules: MODULES, memoryMiB: MEMORY_MIB, link: { namespace, tap: TAP, mac: MAC } }, (guest) =>
      between(
        namespace,
        () => sideOf(guest),
        (scene) => work(scene, guest),
      ),
    ),
  );

/** Runs `work` with ours on one side of a link and a peer on the other. @throws PeerMissing */
export const withScene = <T>(name: PeerName, work: (scene: Scene) => Promise<T>): Promise<T> => {
  if (name === 'linux') return withKernel(work);
  return withPair(LINK_MTU, ({ client, server }) =>
    between(client.namespace, (start) => sideOfProgram(start, 'theirs', name, server.namespace), work),
  );
};

/** The same with `wireguard run --kernel` in a guest as the other side. @throws PeerMissing */
export const withOurKernel = <T>(work: (scene: Scene, guest: Guest) => Promise<T>): Promise<T> =>
  withKernel(work, sideOfOurKernel);

/** As `withChain` has it, inside of a guest. */
const BEYOND_SCRIPT = [
  'ip netns add beyond',
  'ip link add veth1 type veth peer name veth1 netns beyond',
  'ip address add 203.0.113.1/24 dev veth1',
  'ip link set veth1 up',
  'ip -n beyond address add 203.0.113.2/24 dev veth1',
  'ip -n beyond link set lo up',
  'ip -n beyond link set veth1 up',
  'ip -n beyond route add default via 203.0.113.1',
  'echo 1 > /proc/sys/net/ipv4/ip_forward',
].join('\n');

/** The same with a third host behind the peer, at an address of `BEYOND_PREFIX`, which knows nothing of the tunnel. */
export const withSites = <T>(name: PeerName, work: (scene: Scene, beyond: Place) => Promise<T>): Promise<T> => {
  if (name === 'linux')
    return withKernel(async (scene, guest) => {
      await guest.run(BEYOND_SCRIPT);
      return work(scene, placeOfGuest(guest, 'beyond'));
    });
  return withChain(LINK_MTU, ({ client, server, beyond }) =>
    between(
      client.namespace,
      (start) => sideOfProgram(start, 'theirs', name, server.namespace),
      (scene) => work(scene, placeOfNamespace(beyond.namespace)),
    ),
  );
};
