/** What the socket of a speaker, and that of a worker with one, are asked of routes and neighbours. */
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

/** A neighbour that one asks for by name. */
export interface FoundNeighbour {
  readonly name: string;
  /** That the BGP thread knows it by; undefined: it does not. */
  readonly id: number | undefined;
  /** Why the BGP thread does not have it. */
  readonly refusal: string | undefined;
}

/** How a neighbour is that was asked to be had again. */
export interface Retried {
  readonly neighbor: string;
  /** That it would have been held back for; 0: it was not. */
  readonly heldBackSeconds: number;
  readonly state: string | undefined;
}

/**
 * Has a neighbour again at once, whatever it was held back for; one that has a session keeps it.
 *
 * @param names of all neighbours
 * @throws Error that says why not
 */
export const retryNeighbour = async (
  thread: Pick<BgpThread, 'post' | 'status'>,
  names: readonly string[],
  { neighbor }: Request,
  found: FoundNeighbour | undefined,
): Promise<Retried> => {
  if (found === undefined) throw new Error(`there is no neighbour ${neighbor}: there is ${names.join(', ') || 'none'}`);
  const { id, name, refusal } = found;
  if (id === undefined) throw new Error(`${name} cannot be had: ${refusal}`);
  const statusOf = async () => (await thread.status()).find((one) => one.name === name);
  const before = await statusOf();
  thread.post({ type: 'start', id });
  const after = await statusOf();
  return { neighbor: name, heldBackSeconds: before?.heldBackSeconds ?? 0, state: after?.state };
};
