import { native } from '../native.ts';
import type { TcpAuthentication, TcpOptions } from './options.ts';

const ALGORITHMS = { 'aes-128-cmac-96': 'cmac(aes128)', 'hmac-sha-1-96': 'hmac(sha1)' } as const;

/** @throws Error of the system: ENOPROTOOPT where the kernel has no TCP-AO */
export const authenticate = (descriptor: number, remote: Int32Array, how: TcpAuthentication): void => {
  if (how.type === 'md5') native.tcpMd5(descriptor, remote, how.key);
  else native.tcpAo(descriptor, remote, how.sendId, how.receiveId, ALGORITHMS[how.algorithm], how.key);
};

export const setHops = (descriptor: number, { hopLimit, leastHopLimit }: TcpOptions): void =>
  native.tcpHops(descriptor, hopLimit, leastHopLimit);
