import { openHttpProxy } from './http-proxy.ts';
import type { HostPort } from './listen.ts';
import type { LocalCredentials, LocalService, TunnelSource } from './local-services.ts';
import { type Forward, openForward } from './port-forward.ts';
import { openSocks } from './socks5.ts';

/** What listens on this machine for programs that do not use a TUN. */
export interface ServiceSettings {
  readonly socks?: HostPort | undefined;
  readonly http?: HostPort | undefined;
  readonly forwards?: readonly Forward[];
  /** What programs must say to SOCKS and HTTP proxy; undefined: nothing. */
  readonly credentials?: LocalCredentials | undefined;
}

/** All or none. @throws ConnectFailure when a listener cannot be made */
export const openServices = async (
  settings: ServiceSettings,
  source: TunnelSource,
): Promise<readonly LocalService[]> => {
  const { socks, http, forwards = [], credentials } = settings;
  const open: LocalService[] = [];
  try {
    if (socks !== undefined) open.push(await openSocks(socks, source, credentials));
    if (http !== undefined) open.push(await openHttpProxy(http, source, credentials));
    for (const forward of forwards) open.push(await openForward(forward, source));
  } catch (error) {
    for (const service of open) service.close();
    throw error;
  }
  return open;
};
