import type { WireGuardPorts } from '#protocol/wireguard/ports.ts';
import { engineHandshake } from './engine-handshake.ts';
import { engineMac } from './engine-mac.ts';
import { EngineTransport } from './engine-transport.ts';

/** All of WireGuard's cryptography by the packet engine, with keys of its own. @see EngineTransport */
export const enginePorts = (direct = true): WireGuardPorts & { readonly transport: EngineTransport } => {
  const transport = new EngineTransport(direct);
  return { transport, handshake: engineHandshake(transport), mac: engineMac };
};
