import { z } from 'zod';
import type { NatSetup } from '#dataplane/nat/setup.ts';
import { type Prefix, parsePrefix } from '#protocol/ip/text.ts';
import { MAX_BLOCK_PORTS, MIN_BLOCK_PORTS, Pool } from '#protocol/nat/pool.ts';
import { prefix } from '#settings/fields.ts';

const ipv4Prefix = prefix.refine((text) => parsePrefix(text)?.address.length === 4, 'must be IPv4');

/** `[nat44]` of a worker's file: IPv4 leaves by outside addresses that move with devices, instead of by masquerade. */
export const NatSection = z.strictObject({
  /** Outside addresses of this worker. Routing has to lead them here; other workers' lead to those first. */
  own: z.array(ipv4Prefix).min(1),
  /** Those of all workers, these included: the same in every file. Absent: there are no others. */
  fleet: z.array(ipv4Prefix).min(1).optional(),
  /** Outside ports of each device and protocol. */
  ports: z
    .int()
    .min(MIN_BLOCK_PORTS)
    .max(MAX_BLOCK_PORTS)
    .refine((ports) => Number.isInteger(Math.log2(ports)), 'must be a power of two')
    .default(1024),
});
export type NatSettings = z.infer<typeof NatSection>;

const prefixes = (texts: readonly string[]): Prefix[] => texts.flatMap((text) => parsePrefix(text) ?? []);

export const fleetOf = ({ own, fleet }: NatSettings): readonly string[] => fleet ?? own;

/**
 * What is announced where the worker has BGP: its own prefixes, and those of all. Where those of all are shorter, its own lead
 * to it first and to any other worker when it is gone.
 */
export const announcedOf = (settings: NatSettings): readonly string[] => [
  ...new Set([...settings.own, ...fleetOf(settings)]),
];

/** @returns what is wrong with the settings together, in one sentence, if anything is */
export const natFault = (settings: NatSettings, threads: number, masquerade: boolean): string | undefined => {
  if (!masquerade) return '[nat44] and tun.masquerade = false exclude each other';
  try {
    const pool = new Pool(prefixes(fleetOf(settings)), settings.ports);
    const own = prefixes(settings.own);
    const blocks = new Set(own.flatMap((one) => [...pool.blocksOf(one)])).size;
    if (new Pool(own, settings.ports).blocks !== blocks) return 'nat44.own: each prefix must lie in one of nat44.fleet';
    if (blocks < threads) return `nat44.own: ${blocks} devices are too few for ${threads} threads`;
    return undefined;
  } catch (error) {
    const reason = error instanceof RangeError ? error.message : String(error);
    return `nat44: ${reason}`;
  }
};

export const natSetupOf = (settings: NatSettings, isShared: boolean): NatSetup => ({
  ...{ own: settings.own, fleet: fleetOf(settings), ports: settings.ports, isShared },
});
