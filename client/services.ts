import type { LocalService, TunnelSource } from './local-services.ts';

/** What listens on this machine for programs that do not use the TUN. */
export interface ServiceSettings {
  readonly socks?: string | undefined;
}

/** @throws ConnectFailure when a listener cannot be made */
export const openServices = async (
  _settings: ServiceSettings,
  _source: TunnelSource,
): Promise<readonly LocalService[]> => [];
