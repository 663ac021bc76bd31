import { z } from 'zod';
import type { RouteQuery } from '#pop-worker/routing/bgp/route-list.ts';

const count = z.int().min(0).max(0xffff_ffff);

/** Of a `routes` request: one page of them. */
const Request = z.object({
  family: z.enum(['ipv4-unicast', 'ipv6-unicast', 'ipv4-flow', 'ipv6-flow']).optional(),
  prefix: z.string().max(1024).optional(),
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
