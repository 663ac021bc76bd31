import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { promisify } from 'node:util';
import { formatPrefix, type Prefix } from '#protocol/ip/text.ts';
import { ConnectFailure } from './failure.ts';
import { leftBehind, NetJournal } from './net-journal.ts';

const run = promisify(execFile);

/** Runs `ip` with these arguments. @throws ConnectFailure with what it printed */
export type Ip = (args: readonly string[]) => Promise<void>;

export const systemIp: Ip = async (args) => {
  try {
    await run('ip', [...args]);
  } catch (error) {
    const { stderr, code } = error as { stderr?: string; code?: string | number };
    if (code === 'ENOENT') throw new ConnectFailure('the command `ip` is missing: install iproute2', 'fatal');
    throw new ConnectFailure(`\`ip ${args.join(' ')}\` failed: ${(stderr ?? '').trim() || code}`, 'fatal');
  }
};

/** Our own packets carry this mark, so that the rules below do not send them into the tunnel (SO_MARK). */
export const TUNNEL_MARK = 0xcb1d;
const TABLE = '51965';
/** In front of the main table's own rule, 32766. */
const RULE_PRIORITY = 31_965;

/** Somewhere that TCP connections go to. */
export interface Place {
  readonly address: string;
  readonly port: number;
}

const familyOf = ({ address }: Prefix): '-4' | '-6' => (address.length === 4 ? '-4' : '-6');

/**
 * Sets up a TUN and the routes into it by `ip`, and takes it all back. Every call may be repeated; what is the same
 * already costs nothing.
 */
export class NetConfig {
  readonly device: string;
  readonly #ip: Ip;
  readonly #journal: NetJournal;
  #addresses: readonly string[] = [];
  #mtu = 0;
  #isUp = false;
  #done = new Set<string>();

  constructor(device: string, journal: NetJournal, ip: Ip = systemIp) {
    this.device = device;
    this.#journal = journal;
    this.#ip = ip;
  }

  /** @param mtu bytes, at least 1280 for a device with IPv6 addresses */
  async setMtu(mtu: number): Promise<void> {
    if (mtu === this.#mtu) return;
    await this.#ip(['link', 'set', 'dev', this.device, 'mtu', String(mtu)]);
    this.#mtu = mtu;
  }

  /** The device has these addresses and no others of ours. */
  async setAddresses(prefixes: readonly Prefix[]): Promise<void> {
    const wanted = prefixes.map(formatPrefix);
    for (const address of this.#addresses) {
      if (!wanted.includes(address)) await this.#try(['address', 'del', address, 'dev', this.device]);
    }
    for (const address of wanted) {
      if (this.#addresses.includes(address)) continue;
      // Nobody else on a TUN can have the same address, so it is usable at once (RFC 4862 §5.4 without detection).
      const nodad = address.includes(':') ? ['nodad'] : [];
      this.#journal.add(['address', 'del', address, 'dev', this.device]);
      await this.#ip(['address', 'replace', address, 'dev', this.device, ...nodad]);
    }
    this.#addresses = wanted;
    if (!this.#isUp) await this.#ip(['link', 'set', 'dev', this.device, 'up']);
    this.#isUp = true;
  }

  /** Routes into the tunnel; they go with the device. */
  async addRoutes(prefixes: readonly Prefix[]): Promise<void> {
    for (const prefix of prefixes) {
      await this.#once(['route', 'replace', formatPrefix(prefix), 'dev', this.device], familyOf(prefix));
    }
  }

  /**
   * Everything goes into the tunnel but what the main table has better than a default route for, and our own packets. A
   * family without address is cut off, not left outside of the tunnel.
   */
  async routeEverything(prefixes: readonly Prefix[], hasIpv6: boolean): Promise<void> {
    for (const family of hasIpv6 ? (['-4', '-6'] as const) : (['-4'] as const)) {
      const isServed = prefixes.some((prefix) => familyOf(prefix) === family);
      const route = isServed ? ['default', 'dev', this.device] : ['unreachable', 'default'];
      this.#journal.add([family, 'route', 'flush', 'table', TABLE]);
      await this.#ip([family, 'route', 'replace', ...route, 'table', TABLE]);
      const specific = ['pref', String(RULE_PRIORITY), 'table', 'main', 'suppress_prefixlength', '0'];
      const everything = [
        'pref',
        String(RULE_PRIORITY + 1),
        'not',
        'fwmark',
        `0x${TUNNEL_MARK.toString(16)}`,
        'table',
        TABLE,
      ];
      for (const rule of [specific, everything]) await this.#addRule(family, rule);
    }
  }

  /**
   * Our own packets to an edge are marked; those that come from it are not, and a strict reverse-path filter (RFC 3704
   * §2.2) would look for their way back in the tunnel.
   */
  async allowAnswers(addresses: readonly string[], port: number): Promise<void> {
    for (const address of addresses) {
      // The filter is one of IPv4 only.
      if (address.includes(':')) continue;
      const flow = ['to', `${address}/32`, 'ipproto', 'udp', 'dport', String(port)];
      await this.#addRule('-4', ['pref', String(RULE_PRIORITY - 1), ...flow, 'table', 'main']);
    }
  }

  /**
   * Whoever gives the tokens that the tunnel needs cannot be reached through it: connections to there, of any program, go
   * as if there were no tunnel.
   */
  async keepOutside(places: readonly Place[]): Promise<void> {
    for (const { address, port } of places) {
      const [family, length] = address.includes(':') ? (['-6', 128] as const) : (['-4', 32] as const);
      const flow = ['to', `${address}/${length}`, 'ipproto', 'tcp', 'dport', String(port)];
      await this.#addRule(family, ['pref', String(RULE_PRIORITY - 1), ...flow, 'table', 'main']);
    }
  }

  /** Takes back everything but the device itself, which ends with its last queue. */
  async undo(): Promise<void> {
    for (const args of this.#journal.undos) await this.#try(args);
    this.#journal.remove();
  }

  async #addRule(family: string, rule: readonly string[]): Promise<void> {
    const key = [family, ...rule].join(' ');
    if (this.#done.has(key)) return;
    const undo = [family, 'rule', 'del', ...rule];
    this.#journal.add(undo);
    await this.#ip([family, 'rule', 'add', ...rule]);
    this.#done.add(key);
  }

  async #once(args: readonly string[], family: string): Promise<void> {
    const key = args.join(' ');
    if (this.#done.has(key)) return;
    const [object = '', , ...rest] = args;
    this.#journal.add([family, object, 'del', ...rest]);
    await this.#ip([family, ...args]);
    this.#done.add(key);
  }

  /** What is not there any more needs no taking back. */
  async #try(args: readonly string[]): Promise<void> {
    await this.#ip(args).catch(() => {});
  }
}

/**
 * Undoes what a killed process left in this network namespace, then starts a journal of our own.
 *
 * @param everything whether all traffic is to go into the tunnel, which only one process can have
 */
export const beginNetConfig = async (
  folder: string,
  device: string,
  everything: boolean,
  ip: Ip = systemIp,
): Promise<NetConfig> => {
  const { dead, alive } = leftBehind(folder);
  for (const { file, undos } of dead) {
    for (const undo of undos) await ip(undo).catch(() => {});
    rmSync(file, { force: true });
  }
  const other = alive.find((header) => everything || header.device === device);
  if (other !== undefined)
    throw new ConnectFailure(`process ${other.pid} has the tunnel ${other.device} already: end it first`, 'fatal');
  return new NetConfig(device, NetJournal.begin(folder, device), ip);
};
