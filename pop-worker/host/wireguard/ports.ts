import type { WireGuardPorts } from '#protocol/wireguard/ports.ts';
import { nodeHandshake } from './handshake.ts';
import { nodeMac } from './mac.ts';
import { NodeTransport } from './transport.ts';

/** All of WireGuard's cryptography by node:crypto, with keys of its own. */
export const nodePorts = (): WireGuardPorts & { readonly transport: NodeTransport } => {
  const transport = new NodeTransport();
  return { transport, handshake: nodeHandshake(transport), mac: nodeMac };
};
