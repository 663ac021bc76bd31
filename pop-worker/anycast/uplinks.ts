import { existsSync, readFileSync } from 'node:fs';
import { nowUs } from '#host/clock/clock.ts';
import { EchoProbe } from '#host/echo/echo-probe.ts';
import type { RoutedUplink } from '#model/routing.ts';
import { UplinkWays } from './uplink-ways.ts';

/** A way out, as it is tried. */
interface TriedUplink {
  readonly uplink: RoutedUplink;
  readonly probes: readonly EchoProbe[];
  /** Why it cannot be tried; one sentence. */
  readonly fault: string | undefined;
}

/** Why this one leads nowhere, in words; undefined: it may lead somewhere. */
const carrierFault = (device: string): string | undefined => {
  try {
    return readFileSync(`/sys/class/net/${device}/carrier`, 'utf8').trim() === '1'
      ? undefined
      : `${device} has no carrier`;
  } catch {
    // Where sysfs is not to be had nothing is known.
    if (!existsSync('/sys/class/net/lo')) return undefined;
    return existsSync(`/sys/class/net/${device}`) ? `${device} is down` : `there is no interface ${device}`;
  }
};

/** The ways out of a worker: it can be reached as long as one of them leads anywhere. */
export class Uplinks {
  readonly #timeoutMs: number;
  readonly #failed: (failed: ReadonlySet<string>) => void;
  readonly #ways = new UplinkWays();
  #tried: readonly TriedUplink[] = [];

  /** @param failed is told the names of those that lead nowhere, whenever they have become others */
  constructor(timeoutMs: number, failed: (failed: ReadonlySet<string>) => void) {
    this.#timeoutMs = timeoutMs;
    this.#failed = failed;
  }

  /** Those that lead nowhere. */
  get failed(): ReadonlySet<string> {
    return this.#ways.failed;
  }

  /** These are tried from now on. */
  set(uplinks: readonly RoutedUplink[]): void {
    this.close();
    this.#tried = uplinks.map((uplink) => {
      const probes: EchoProbe[] = [];
      try {
        for (const address of uplink.probeAddresses) probes.push(new EchoProbe(address, uplink.device));
        return { uplink, probes, fault: undefined };
      } catch (error) {
        for (const probe of probes) probe.close();
        return { uplink, probes: [], fault: `uplink ${uplink.id} cannot be tried: ${(error as Error).message}` };
      }
    });
  }

  /** @returns undefined while one leads somewhere, or there are none to try; else why the first does not */
  async ask(): Promise<string | undefined> {
    const tried = this.#tried;
    if (tried.length === 0) {
      this.#note(new Map());
      return undefined;
    }
    const reasons = await Promise.all(tried.map((one) => this.#askOne(one)));
    // They were changed meanwhile: what is known is of others.
    if (tried !== this.#tried) return undefined;
    this.#note(new Map(tried.map(({ uplink }, i) => [uplink.id, reasons[i]])));
    return reasons.includes(undefined) ? undefined : reasons[0];
  }

  #note(faults: ReadonlyMap<string, string | undefined>): void {
    if (this.#ways.note(faults, nowUs())) this.#failed(this.#ways.failed);
  }

  close(): void {
    for (const { probes } of this.#tried) for (const probe of probes) probe.close();
    this.#tried = [];
  }

  async #askOne({ uplink, probes, fault }: TriedUplink): Promise<string | undefined> {
    const carrier = carrierFault(uplink.device);
    if (carrier !== undefined || probes.length === 0) return carrier ?? fault;
    const reasons = await Promise.all(probes.map((probe) => probe.ask(this.#timeoutMs)));
    return reasons.includes(undefined) ? undefined : reasons[0];
  }
}
