import { z } from 'zod';
import { TABLE } from '#pop-worker/routing/kernel/ownership.ts';
import { formatPrefix, parsePrefix } from '#protocol/ip/text.ts';
import { ipAddress, prefix } from '#settings/fields.ts';

/** Tables 253 to 255 are the system's. */
const table = z
  .int()
  .min(1)
  .max(0xffff_fffe)
  .refine((number) => number < 253 || number > 255, 'must not be 253, 254 or 255: those are the tables of the system');

/** @param text that may be no prefix, which is another fault */
const inOneForm = (text: string): string => {
  const parsed = parsePrefix(text);
  return parsed === undefined ? text : formatPrefix(parsed);
};

const isSixth = (text: string): boolean => text.includes(':');

const hop = z.strictObject({
  device: z.string().min(1).max(15),
  gateway: ipAddress.optional(),
  /** Share of the flows. */
  weight: z.int().min(1).max(256).default(1),
});

const route = z
  .strictObject({
    prefix,
    table: table.optional(),
    /** Several share the flows; those whose link is down are left out. */
    via: z.array(hop).max(256).default([]),
    /** Instead of `via`: over the uplinks that the PoP has in the API, which share the flows by their weights. */
    uplinks: z.literal(true).optional(),
    /** Instead of `via`: packets vanish, or the sender is told. */
    refuse: z.enum(['blackhole', 'unreachable', 'prohibit']).optional(),
  })
  .refine(
    ({ via, uplinks, refuse }) => [via[0], uplinks, refuse].filter((one) => one !== undefined).length === 1,
    'must have either via, uplinks or refuse',
  )
  .refine(
    ({ prefix: to, via }) => !isSixth(to) || via.every(({ gateway = '::' }) => isSixth(gateway)),
    'must have gateways of IPv6 for a prefix of IPv6',
  );

const rule = z
  .strictObject({
    from: prefix.optional(),
    to: prefix.optional(),
    /** Where packets came in by. */
    device: z.string().min(1).max(15).optional(),
    /** SO_MARK, or of nftables. */
    mark: z.int().min(1).max(0xffff_ffff).optional(),
    table: table.optional(),
  })
  .refine(({ from, to }) => from !== undefined || to !== undefined, 'must have from or to')
  .refine(
    ({ from = '', to = from }) => from === '' || isSixth(from) === isSixth(to),
    'must have from and to of one family',
  );

/** Which routes the kernel is to have, and which packets go by them. */
export const RoutingFile = z
  .strictObject({
    routes: z.array(route).default([]),
    /** Asked in this order, before the tables of the system. */
    rules: z.array(rule).max(100).default([]),
  })
  .refine(({ routes }) => {
    const places = routes.map(({ prefix: to, table: of = TABLE }) => `${of} ${inOneForm(to)}`);
    return new Set(places).size === places.length;
  }, 'must have one route at most for a prefix in a table');
export type RoutingConfig = z.infer<typeof RoutingFile>;

export const familyOfPrefix = (text: string): 4 | 6 => (parsePrefix(text)?.address.length === 4 ? 4 : 6);
