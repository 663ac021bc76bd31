import { Resolver } from 'node:dns/promises';
import { parseIpAddress } from '#protocol/ip/text.ts';
import type { Resolve } from './targets.ts';

/** Asks these servers for both families. */
export const resolverOf = (servers: readonly string[]): Resolve => {
  const resolver = new Resolver();
  resolver.setServers(servers);
  return async (name) => {
    const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
    const found = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    const failed = answers.find((answer) => answer.status === 'rejected');
    if (found.length === 0 && failed !== undefined) throw failed.reason;
    return found.flatMap((text) => parseIpAddress(text) ?? []);
  };
};
