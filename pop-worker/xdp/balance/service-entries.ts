import { Protocol } from '#protocol/ip/view.ts';
import { Service, ServiceFlag, ServiceKey, ServicePrefix } from '../gen/front.ts';
import type { ServiceWanted } from './wanted.ts';

/** Bits of a key in front of the address, as bpf/include/service.h has them. */
const PREFIX_BITS = 32;

/** An element of a table of the program. */
export interface ServiceEntry {
  readonly table: 'services' | 'servicePrefixes';
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

const placeOf = ({ prefix: { address, length } }: ServiceWanted, protocol: number, port: number) => {
  const isV6 = address.length === 16 ? 1 : 0;
  return length === address.length * 8
    ? { table: 'services' as const, key: ServiceKey.encode({ address, port, protocol, isV6 }) }
    : {
        table: 'servicePrefixes' as const,
        key: ServicePrefix.encode({ bits: PREFIX_BITS + length, address, port, protocol, isV6 }),
      };
};

/** Where the program finds a service. */
export const placeOfService = (service: ServiceWanted): Pick<ServiceEntry, 'table' | 'key'> =>
  placeOf(service, Protocol[service.protocol], service.port);

export const serviceEntry = (service: ServiceWanted, id: number): ServiceEntry => {
  const flags = (service.isBySource ? ServiceFlag.bySource : 0) | (service.isQuic ? ServiceFlag.quic : 0);
  return { ...placeOfService(service), value: Service.encode({ id, flags }) };
};

/** Of the addresses themselves, which answer to echo. */
export const addressEntry = (service: ServiceWanted): ServiceEntry => ({
  ...placeOf(service, service.prefix.address.length === 16 ? Protocol.icmp6 : Protocol.icmp, 0),
  value: Service.encode({ id: 0 }),
});
