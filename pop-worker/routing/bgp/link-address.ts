/** Addresses that only their link knows (fe80::/10), which have the interface of that link behind them as a zone. */
import { networkInterfaces } from 'node:os';
import { native } from '#host/native.ts';

/** As sockets take it, with the number of the interface in place of its name. @returns undefined: there is no such interface */
export const reachableAddress = (address: string): string | undefined => {
  const [host, zone] = address.split('%');
  if (zone === undefined || /^\d+$/.test(zone)) return address;
  const index = native.interfaceIndex(zone);
  return index === 0 ? undefined : `${host}%${index}`;
};

/**
 * The first global address of the interface that a link-local one is of, in the network namespace of the thread: with it
 * a next hop is whole (RFC 2545 §3).
 *
 * @param local `fe80::1%3` @returns undefined: it is not link-local, or the interface has no global one
 */
export const globalBeside = (local: string): string | undefined => {
  const [, zone] = local.split('%');
  if (zone === undefined) return undefined;
  for (const addresses of Object.values(networkInterfaces())) {
    const six = addresses?.filter(({ family }) => family === 'IPv6') ?? [];
    if (!six.some((one) => one.family === 'IPv6' && one.scopeid === Number(zone))) continue;
    return six.find((one) => one.family === 'IPv6' && one.scopeid === 0 && !one.internal)?.address;
  }
  return undefined;
};

/** Whether an interface of this network namespace has the address. @param address of `reachableAddress` */
export const isOwnAddress = (address: string): boolean => {
  const [host, zone] = address.split('%');
  return Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some((one) => {
      if (one.address !== host) return false;
      return zone === undefined || (one.family === 'IPv6' && one.scopeid === Number(zone));
    }),
  );
};
