import {
  encodeTransportParameters,
  parseTransportParameters,
  type TransportParameters,
} from '../wire/transport-parameters.ts';
import type { Ports } from './pair.ts';

/** Ports of a pair of which one side declares something else than what it goes by (RFC 9000 §18). */
export const declaring = (
  ports: Ports,
  who: 'client' | 'server',
  change: (declared: TransportParameters) => Partial<TransportParameters>,
): Ports => {
  const lie = <T extends { readonly transportParameters: Uint8Array }>(options: T): T => {
    const declared = parseTransportParameters(options.transportParameters, who);
    return { ...options, transportParameters: encodeTransportParameters({ ...declared, ...change(declared) }) };
  };
  const { clientTls, serverTls } = ports;
  return who === 'client'
    ? { ...ports, clientTls: { ...clientTls, client: (options) => clientTls.client(lie(options)) } }
    : { ...ports, serverTls: { ...serverTls, server: (options) => serverTls.server(lie(options)) } };
};
