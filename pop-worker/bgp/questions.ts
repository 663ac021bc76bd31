/** What the socket of a speaker, and that of a worker with one, are asked of routes. */
import type { BgpThread } from '#pop-worker/routing/bgp/bgp-thread.ts';
import type { PrefixExplained } from '#pop-worker/routing/bgp/explained.ts';
import type { RoutePage } from '#pop-worker/routing/bgp/route-list.ts';
import { parsePrefix } from '#protocol/ip/text.ts';
import { routeQueryOf } from './route-query.ts';

type Request = Readonly<Record<string, unknown>>;

/** What policies make of a prefix. @throws Error when the request names none, and no address */
export const explainPrefix = async (
  thread: Pick<BgpThread, 'explain'>,
  { prefix }: Request,
): Promise<PrefixExplained> => {
  if (typeof prefix !== 'string' || parsePrefix(prefix) === undefined)
    throw new Error('a prefix is wanted, such as 198.51.100.0/24, or an address');
  return thread.explain(prefix);
};

/** One page of the routes. @param names of neighbours @throws Error that names what cannot be asked */
export const listRoutes = async (
  thread: Pick<BgpThread, 'list'>,
  names: readonly string[],
  request: Request,
): Promise<RoutePage> => {
  const query = routeQueryOf(request);
  if (query.from !== undefined && !names.includes(query.from)) {
    throw new Error(`there is no neighbour ${query.from}: there is ${names.join(', ') || 'none'}`);
  }
  return thread.list(query);
};
