import { byLabel } from '#dataplane/metrics/series.ts';
import type { KernelPeer } from '#protocol/netlink/wireguard/device.ts';
import { exposition } from '#telemetry/exposition.ts';
import type { Logger } from '#telemetry/logger.ts';
import { allocateSlots, LAYOUT } from '#telemetry/slots.ts';
import { Attendance } from '../attendance.ts';
import { KernelInterface, wipe } from './interface.ts';
import { addKernelLink, removeKernelLink } from './link.ts';
import { KernelTotals } from './totals.ts';

/** What the kernel tells; it counts neither messages nor what it drops. */
const SERIES = LAYOUT.series.filter(({ spec }) => /^cloudbridge_wireguard_(bytes_total|peers)$/.test(spec.name));
const BYTES = byLabel('cloudbridge_wireguard_bytes_total', 'direction');
const PEERS = byLabel('cloudbridge_wireguard_peers', 'state');
/** REJECT_AFTER_TIME: keys of that age send nothing. */
const SESSION_US = 180e6;

/** An interface of the kernel's WireGuard with our socket, from its start to its end. */
export class KernelProcess {
  readonly name: string;
  readonly state = 'ready';
  readonly #log: Logger;
  readonly #index: number;
  readonly #interface: KernelInterface;
  readonly #slots = allocateSlots();
  readonly #totals = new KernelTotals();
  readonly #attendance = new Attendance();

  /** @throws StartError, KernelRefusal */
  constructor(name: string, log: Logger) {
    this.name = name;
    this.#log = log;
    this.#index = addKernelLink(name);
    try {
      this.#interface = new KernelInterface(name);
    } catch (error) {
      removeKernelLink(this.#index);
      throw error;
    }
  }

  /** Why it ended by itself: its interface or socket was removed. */
  get gone(): Promise<string> {
    return this.#attendance.removed;
  }

  isHealthy(): boolean {
    return true;
  }

  /** Prometheus text. */
  async metrics(): Promise<string> {
    const device = this.#interface.read();
    wipe(device);
    const { peers } = device;
    this.#totals.update(peers);
    const slots = this.#slots;
    slots[BYTES.received] = this.#totals.total.received;
    slots[BYTES.sent] = this.#totals.total.sent;
    const since = Date.now() * 1000 - SESSION_US;
    slots[PEERS.configured] = peers.length;
    slots[PEERS.in_session] = peers.filter((peer: KernelPeer) => peer.lastHandshakeUnixUs > since).length;
    return exposition([slots], SERIES);
  }

  /** Serves its socket from now on. @throws StartError, or an Error of the file system */
  async start(): Promise<void> {
    await this.#attendance.start({
      ...{ name: this.name, target: this.#interface, log: this.#log },
      is: (up, mtu) => this.#log.debug('interface', { up, mtu }),
      addressGone: () => {},
    });
  }

  /** Removes interface and socket; the kernel wipes its keys. */
  stop(): void {
    this.#attendance.close();
    this.#interface.close();
    removeKernelLink(this.#index);
  }
}
