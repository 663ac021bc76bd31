import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { TunDevice } from '#host/tun/device.ts';
import { formatPrefix, type Prefix, parsePrefix } from '#protocol/ip/text.ts';
import type { IpTunnel } from '#protocol/masque/connect-ip.ts';
import { asFailure, ConnectFailure } from './failure.ts';
import type { SendNow } from './ip-tunnels.ts';
import { beginNetConfig, type NetConfig, type Place } from './netconfig.ts';
import { IPV6_MIN_MTU, TunTunnel } from './tun-tunnel.ts';

export interface TunSettings {
  readonly name: string;
  /** Destinations that go into the tunnel. */
  readonly routes: readonly Prefix[];
  /** …or all of them. */
  readonly everything: boolean;
  /** Where is written down what has to be undone. */
  readonly journalFolder: string;
  /** What must be reached while the tunnel is down, such as who gives tokens; asked whenever the tunnel is configured. */
  readonly outside?: (() => readonly Place[]) | undefined;
}

export interface TunState {
  readonly device: string;
  readonly addresses: readonly string[];
  readonly mtu: number;
}

export interface TunObserver {
  /** Packets flow; also after each change of addresses. */
  configured(state: TunState): void;
  failed(failure: ConnectFailure): void;
}

/** @returns undefined when the text is no prefix of either family */
export const parseRoute = (text: string): Prefix | undefined => parsePrefix(text);

const NO_PRIVILEGE =
  'this process may not make a TUN: run it as root or with CAP_NET_ADMIN, or use --socks 127.0.0.1:1080, which needs neither';

const openDevice = (name: string): TunDevice => {
  try {
    return TunDevice.open({ name, vnetHeader: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EPERM' || code === 'EACCES') throw new ConnectFailure(NO_PRIVILEGE, 'fatal');
    if (code === 'EBUSY')
      throw new ConnectFailure(`the TUN ${name} is in use by another process: choose another name`, 'fatal');
    if (code === 'ENOENT' || code === 'ENODEV')
      throw new ConnectFailure(
        'this machine has no /dev/net/tun: load the module tun, or use --socks 127.0.0.1:1080',
        'fatal',
      );
    throw new ConnectFailure(`the TUN ${name} cannot be made (${code})`, 'fatal');
  }
};

const hasIpv6 = (device: string): boolean => {
  const file = `/proc/sys/net/ipv6/conf/${device}/disable_ipv6`;
  return existsSync(file) && readFileSync(file, 'utf8').trim() === '0';
};

const CONF4 = '/proc/sys/net/ipv4/conf';

/** Whether some interface takes packets only from where it would send to their source (ip-sysctl.rst, rp_filter). */
const filtersStrictly = (): boolean =>
  readdirSync(CONF4).some((name) => readFileSync(`${CONF4}/${name}/rp_filter`, 'utf8').trim() === '1');

/** The TUN of a device: made once, kept across connections, its addresses, routes and MTU those of the tunnel. */
export class TunControl {
  readonly tunnel: TunTunnel;
  readonly #device: TunDevice;
  readonly #net: NetConfig;
  readonly #settings: TunSettings;
  readonly #observer: TunObserver;
  readonly #ipv6: boolean;
  #current: IpTunnel | undefined;
  /** Changes are made one after the other. */
  #queue: Promise<void> = Promise.resolve();
  #closed = false;

  private constructor(device: TunDevice, net: NetConfig, settings: TunSettings, observer: TunObserver) {
    this.#device = device;
    this.#net = net;
    this.#settings = settings;
    this.#observer = observer;
    this.#ipv6 = hasIpv6(device.name);
    this.tunnel = new TunTunnel(device, (tunnel, send) => this.#configure(tunnel, send));
    device.onLost(() => observer.failed(new ConnectFailure(`somebody removed the TUN ${device.name}`, 'fatal')));
  }

  /** @throws ConnectFailure */
  static async open(settings: TunSettings, observer: TunObserver): Promise<TunControl> {
    const device = openDevice(settings.name);
    try {
      const net = await beginNetConfig(settings.journalFolder, device.name, settings.everything);
      return new TunControl(device, net, settings, observer);
    } catch (error) {
      device.close();
      throw error;
    }
  }

  /** Packets of an edge must not be taken for ones that came the wrong way. */
  async expectAnswers(addresses: readonly string[], port: number): Promise<void> {
    if (this.#settings.everything && filtersStrictly()) await this.#net.allowAnswers(addresses, port);
  }

  /** The connection is lost: packets wait, addresses and routes stay. */
  down(): void {
    this.#current = undefined;
    this.tunnel.use(undefined);
  }

  /** The path may have another MTU than before. */
  followMtu(): void {
    if (this.#current === undefined) return;
    this.#enqueue(() => this.#net.setMtu(this.#linkMtu()));
  }

  /** Takes back what was set and ends the device. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.down();
    this.#closed = true;
    await this.#queue;
    await this.#net.undo();
    this.#device.close();
  }

  #configure(tunnel: IpTunnel, send: SendNow): void {
    this.#current = tunnel;
    this.#enqueue(async () => {
      const prefixes = tunnel.assigned.map(({ prefix }) => prefix).filter((prefix) => this.#usable(prefix));
      this.tunnel.use(tunnel, send);
      await this.#net.setMtu(this.#linkMtu());
      await this.#net.setAddresses(prefixes);
      if (this.#settings.everything) {
        const outside = this.#settings.outside?.() ?? [];
        await this.#net.keepOutside(outside.filter(({ address }) => this.#ipv6 || isIPv4(address)));
        await this.#net.routeEverything(prefixes, this.#ipv6);
      }
      await this.#net.addRoutes(this.#settings.routes.filter((prefix) => this.#usable(prefix)));
      const addresses = prefixes.map(formatPrefix);
      this.#observer.configured({ device: this.#device.name, addresses, mtu: this.#linkMtu() });
    }, tunnel);
  }

  #usable({ address }: Prefix): boolean {
    return address.length === 4 || this.#ipv6;
  }

  /** Below 1280 the kernel would take all IPv6 addresses away; larger packets are cut or reported by the tunnel. */
  #linkMtu(): number {
    return this.#ipv6 ? Math.max(IPV6_MIN_MTU, this.tunnel.mtu) : Math.max(576, this.tunnel.mtu);
  }

  /** @param only skip it when packets go through another tunnel by then */
  #enqueue(change: () => Promise<void>, only?: IpTunnel): void {
    this.#queue = this.#queue.then(async () => {
      if (this.#closed || this.#current === undefined || (only !== undefined && only !== this.#current)) return;
      try {
        await change();
      } catch (error) {
        if (!this.#closed) this.#observer.failed(asFailure(error));
      }
    });
  }
}
