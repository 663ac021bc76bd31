import { connectBySocks, NOT_ALLOWED, SocksRefusal } from './socks.ts';

/** How many of `count` connections the proxy denies by its rules; one that succeeds or fails otherwise is none. */
export const deniedConnections = async (proxy: string, host: string, port: number, count: number): Promise<number> => {
  let denied = 0;
  for (let i = 0; i < count; i++) {
    try {
      (await connectBySocks(proxy, host, port)).destroy();
    } catch (error) {
      if (error instanceof SocksRefusal && error.reply === NOT_ALLOWED) denied++;
    }
  }
  return denied;
};
