import type { Parts } from './parts.ts';

/**
 * What datagrams with Initial packets are padded to, in bytes: what was asked for (RFC 9000 §14.1), unless the path turned
 * out to take less (RFC 8899 §4.3) or the peer does (max_udp_payload_size, RFC 9000 §18.2). Never below 1200.
 */
export const initialBytes = ({ config, recovery }: Parts): number =>
  Math.min(config.initialDatagramBytes, recovery.mtu.datagramBytes);
