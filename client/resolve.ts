import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { ConnectFailure } from './failure.ts';

/** Addresses of a name as this machine resolves names, in its order of preference. @throws ConnectFailure */
export const resolveHost = async (host: string): Promise<readonly string[]> => {
  if (isIP(host) !== 0) return [host];
  try {
    const found = await lookup(host, { all: true, order: 'verbatim' });
    return found.map(({ address }) => address);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOTFOUND')
      throw new ConnectFailure(`nobody knows a host called ${host}: check the name`, 'fatal-at-first');
    throw new ConnectFailure(`the name ${host} cannot be resolved now (${code}): is there a network`);
  }
};
