import { readFileSync } from 'node:fs';
import { Errno, UapiError } from '#protocol/wireguard/uapi/errors.ts';

/** The index of an interface that is named or numbered; an empty one stays so. @throws UapiError there is no such interface */
export const zoneIndex = (zone: string): string => {
  if (/^\d*$/.test(zone)) return zone;
  try {
    return readFileSync(`/sys/class/net/${zone}/ifindex`, 'utf8').trim();
  } catch {
    throw new UapiError(Errno.invalid, 'The endpoint is of an interface that there is not.');
  }
};
