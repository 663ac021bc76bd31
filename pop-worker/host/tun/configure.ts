import { parseIpAddress } from '#protocol/ip/text.ts';
import { AddressFlag, newAddress } from '#protocol/netlink/address.ts';
import { familyOf } from '#protocol/netlink/family.ts';
import { Flag } from '#protocol/netlink/header.ts';
import { LinkFlag, newLink } from '#protocol/netlink/link.ts';
import { type NetlinkRequests, withRequests } from '../netlink/requests.ts';
import { inNamespace } from '../thread/namespace.ts';

export interface TunConfiguration {
  readonly mtu?: number;
  /** `address/prefix` texts of either family. */
  readonly addresses?: readonly string[];
  readonly up?: boolean;
  /** Name of the network namespace that holds the device (`ip netns`); that of the calling thread when not given. */
  readonly namespace?: string;
}

const addAddress = (requests: NetlinkRequests, index: number, text: string): void => {
  const [host = '', length] = text.split('/');
  const local = parseIpAddress(host);
  if (local === undefined) throw new TypeError(`${text} is no address of a link`);
  const prefixLength = length === undefined ? local.length * 8 : Number(length);
  // An IPv6 address must be usable at once: a TUN has no neighbour that could hold the same.
  const flags = local.length === 16 ? AddressFlag.noDuplicateDetection : 0;
  const address = newAddress({ family: familyOf(local), index, prefixLength, local, peer: local, flags });
  requests.one('address', 'added', Flag.create | Flag.exclusive, address);
};

/** Sets up an interface. @throws KernelRefusal, or Error of the file system when there is no such namespace */
export const configureTun = (device: string, configuration: TunConfiguration): void => {
  const { mtu = 0, addresses = [], up = false, namespace } = configuration;
  const configure = (): void =>
    withRequests((requests) => {
      const { index } = requests.get('link', newLink({ name: device }));
      if (mtu !== 0) requests.one('link', 'added', 0, newLink({ index, mtu }));
      for (const address of addresses) addAddress(requests, index, address);
      if (up) requests.one('link', 'added', 0, newLink({ index, flags: LinkFlag.up, change: LinkFlag.up }));
    });
  if (namespace === undefined) configure();
  else inNamespace(`/run/netns/${namespace}`, configure);
};
