import { formatIpAddress, formatPrefix, type Prefix } from '#protocol/ip/text.ts';
import type { Encapsulation } from '../gen/front.ts';

/** What a health check finds; until one has, a backend is well. */
export type Health = 'up' | 'down';

/** Whether a backend is to get packets from now on; names are those of `serviceName` and `backendName`. */
export interface HealthChange {
  readonly service: string;
  readonly backend: string;
  readonly health: Health;
}

/** A configuration of connection IDs (draft-ietf-quic-load-balancers §5.4). */
export interface QuicLbWanted {
  /** Config rotation bits, 0 to 6. */
  readonly id: number;
  readonly serverIdBytes: number;
  readonly nonceBytes: number;
  readonly encodesLength: boolean;
  /** 16 bytes, for connection IDs whose server ID and nonce have 16 bytes together; absent: anybody can read them. */
  readonly key?: Uint8Array | undefined;
}

/** A server ID of QUIC's connection IDs (draft-ietf-quic-load-balancers). */
export interface ServerId {
  /** Config rotation bits, 0 to 6. */
  readonly config: number;
  readonly id: Uint8Array;
}

/** One that serves. */
export interface BackendWanted {
  /** 4 or 16 bytes. */
  readonly address: Uint8Array;
  /** From 1, against those of the others. */
  readonly weight: number;
  /** Gets no new connections, and keeps those that it has. */
  readonly isDraining: boolean;
  readonly encapsulation: keyof typeof Encapsulation;
  /** Of the UDP header of GUE. */
  readonly port: number;
  readonly serverIds: readonly ServerId[];
}

/** What clients ask for. */
export interface ServiceWanted {
  /** An address is a prefix of all its bits. */
  readonly prefix: Prefix;
  readonly protocol: 'tcp' | 'udp';
  /** 0: any. */
  readonly port: number;
  /** All that comes from an address goes to one backend. */
  readonly isBySource: boolean;
  /** Connection IDs say where packets go. */
  readonly isQuic: boolean;
  readonly backends: readonly BackendWanted[];
}

/** How a service is called: `udp 192.0.2.1:443`, `tcp [2001:db8::]/64:any`. */
export const serviceName = ({
  prefix,
  protocol,
  port,
}: Pick<ServiceWanted, 'prefix' | 'protocol' | 'port'>): string => {
  const isWhole = prefix.length === prefix.address.length * 8;
  const text = isWhole ? formatIpAddress(prefix.address) : formatPrefix(prefix);
  return `${protocol} ${prefix.address.length === 16 ? `[${text}]` : text}:${port === 0 ? 'any' : port}`;
};

export const backendName = ({ address }: Pick<BackendWanted, 'address'>): string => formatIpAddress(address);
