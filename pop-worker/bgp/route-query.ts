import { z } from 'zod';
import type { RouteQuery } from '#pop-worker/routing/bgp/route-list.ts';
import { formatIpAddress, parsePrefix } from '#protocol/ip/text.ts';
import { prefix } from '#settings/fields.ts';

const count = z.int().min(0).max(0xffff_ffff);

/** `destination 192.0.2.0/24, protocol =6`: names of components with their values (`flowSpecText`). */
const FLOW = /^[a-z][a-z0-9-]* \S/;

/** A prefix, which is written as we write it then, or the text of a flow specification. */
const destination = z
  .string()
  .max(1024)
  .transform((text, context) => {
    if (FLOW.test(text)) return text;
    const fault = prefix.safeParse(text).error?.issues[0]?.message;
    const found = parsePrefix(text);
    if (fault === undefined && found !== undefined) return `${formatIpAddress(found.address)}/${found.length}`;
    context.addIssue({ code: 'custom', message: fault ?? 'must be a prefix' });
    return z.NEVER;
  });

/** Of a `routes` request: one page of them. */
const Request = z.object({
  family: z.enum(['ipv4-unicast', 'ipv6-unicast', 'ipv4-flow', 'ipv6-flow']).optional(),
  prefix: destination.optional(),
  from: z.string().max(64).optional(),
  best: z.boolean().default(false),
  cursor: z.strictObject({ slot: count, destination: count }).optional(),
});

/** @throws Error that names what cannot be asked */
export const routeQueryOf = (request: Readonly<Record<string, unknown>>): RouteQuery => {
  const { success, data, error } = Request.safeParse(request);
  if (!success) {
    const [issue] = error.issues;
    throw new Error(`${issue?.path.join('.')}: ${issue?.message}`);
  }
  const { best, ...rest } = data;
  return { ...rest, isBest: best };
};
