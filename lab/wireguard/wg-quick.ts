/** A file for wg-quick(8), read as it reads it, and the commands of `ip` that it would run. */
import { LabError } from '../errors.ts';

/** Of the messages of the tunnel itself, and of the table that everything else is led by: wg-quick takes the same number. */
export const MARK = 51_820;

/** What such a file says beside keys. */
export interface WgQuick {
  /** With their lengths. */
  readonly addresses: readonly string[];
  readonly mtu: number;
  /** What leads into the tunnel. */
  readonly allowedIps: readonly string[];
  /** HOST:PORT */
  readonly endpoint: string;
}

/** @throws LabError where it lacks something */
export const parseWgQuick = (text: string): WgQuick => {
  const values = (key: string): string[] =>
    [...text.matchAll(new RegExp(`^${key}\\s*=\\s*(.+)$`, 'gim'))].flatMap(([, list = '']) =>
      list.split(',').map((value) => value.trim()),
    );
  const [mtu, endpoint] = [values('MTU')[0], values('Endpoint')[0]];
  const [addresses, allowedIps] = [values('Address'), values('AllowedIPs')];
  if (mtu === undefined || endpoint === undefined || addresses.length === 0 || allowedIps.length === 0)
    throw new LabError('The WireGuard file lacks an Address, its MTU, AllowedIPs or an Endpoint.');
  return { addresses, mtu: Number(mtu), allowedIps, endpoint };
};

const isV6 = (prefix: string): boolean => prefix.includes(':');

/** Routes of one family. Everything: past the tunnel go its own messages, and what the main table has a better route for. */
const routes = (device: string, prefixes: readonly string[]): string =>
  prefixes
    .map((prefix) =>
      prefix.endsWith('/0')
        ? `route add default dev ${device} table ${MARK}\nrule add not fwmark ${MARK} table ${MARK}\nrule add table main suppress_prefixlength 0\n`
        : `route add ${prefix} dev ${device}\n`,
    )
    .join('');

/** `ip -4 -batch` and `ip -6 -batch` lines that set an interface up after its keys are. */
export const ipBatches = (
  device: string,
  { addresses, mtu, allowedIps }: WgQuick,
): { readonly v4: string; readonly v6: string } => {
  const family = (wanted: boolean) => ({
    addresses: addresses.filter((address) => isV6(address) === wanted),
    prefixes: allowedIps.filter((prefix) => isV6(prefix) === wanted),
  });
  const [four, six] = [family(false), family(true)];
  const add = (list: readonly string[], more = ''): string =>
    list.map((address) => `address add ${address} dev ${device}${more}\n`).join('');
  return {
    v4: `${add(four.addresses)}link set ${device} mtu ${mtu} up\n${routes(device, four.prefixes)}`,
    v6: `${add(six.addresses, ' nodad')}${routes(device, six.prefixes)}`,
  };
};
