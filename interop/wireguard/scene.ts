import { existsSync } from 'node:fs';
import { type Host, type Pair, withPair } from '#bench/harness/network.ts';
import { withPrograms } from '#bench/harness/program.ts';
import { runCommand } from '#lab/command.ts';
import { until } from '../bgp/until.ts';
import { IMPLEMENTATIONS, type ImplementationName, type PeerName } from './implementations.ts';
import { type End, newKeyPair, Side } from './side.ts';

const LINK_MTU = 1500;

const ENDS = {
  ours: { host: 2, port: 5001 },
  theirs: { host: 1, port: 5002 },
} as const;

const endOf = (which: keyof typeof ENDS, { namespace }: Host): End => {
  const { host, port } = ENDS[which];
  return {
    ...{ namespace, port, name: `${which === 'ours' ? 'cwo' : 'cwt'}${process.pid}` },
    outer: { 4: `192.0.2.${host}`, 6: `2001:db8::${host}` },
    inner: { 4: `10.9.0.${host}`, 6: `fd09::${host}` },
  };
};

/** `withPair` takes IPv6 off. */
const giveAddresses = async ({ namespace, outer }: End): Promise<void> => {
  const on = 'for name in default all veth0; do echo 0 > /proc/sys/net/ipv6/conf/$name/disable_ipv6; done';
  await runCommand('ip', ['netns', 'exec', namespace, 'sh', '-c', on]);
  await runCommand('ip', ['-n', namespace, 'address', 'add', `${outer[6]}/64`, 'dev', 'veth0', 'nodad']);
};

const giveInner = async ({ ip, end }: Pick<Side, 'ip' | 'end'>): Promise<void> => {
  await ip(`address add ${end.inner[4]}/24 dev ${end.name}`);
  await ip(`address add ${end.inner[6]}/64 dev ${end.name} nodad`);
  await ip(`link set ${end.name} up`);
};

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
export const between = <T>(
  pair: Pair,
  names: { readonly ours: ImplementationName; readonly theirs: ImplementationName },
  work: (scene: Scene) => Promise<T>,
): Promise<T> =>
  withPrograms(async (start) => {
    const side = async (which: 'ours' | 'theirs', host: Host): Promise<Side> => {
      const end = endOf(which, host);
      await giveAddresses(end);
      const program = start(await IMPLEMENTATIONS[names[which]](end.name), { namespace: host.namespace });
      let failure: unknown;
      program.result.catch((error: unknown) => (failure = error));
      await until(`${names[which]} has its socket`, () => {
        if (failure !== undefined) throw failure;
        return existsSync(`/var/run/wireguard/${end.name}.sock`);
      });
      const made = new Side(end, await newKeyPair(), program);
      await giveInner({ end, ip: (words) => made.ip(words) });
      return made;
    };
    const [ours, theirs] = [await side('ours', pair.client), await side('theirs', pair.server)];
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

/** Runs `work` with ours on one side of a link and a peer on the other. @throws PeerMissing */
export const withScene = <T>(theirs: PeerName, work: (scene: Scene) => Promise<T>): Promise<T> =>
  withPair(LINK_MTU, (pair) => between(pair, { ours: 'ours', theirs }, work));
