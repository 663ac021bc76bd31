import { controllerNamed } from '#protocol/congestion/registry.ts';
import {
  DEFAULT_CONFIG,
  DEFAULT_ENDPOINT_CONFIG,
  type EndpointConfig,
  type QuicConfig,
} from '#protocol/quic/config.ts';
import { ROUTABLE_CID_BYTES } from './exchange/cids.ts';
import type { ThreadSetup } from './setup.ts';

/**
 * From the first packet on a 1280-byte inner packet fits into one datagram: 1280 + Context ID 1 + Quarter Stream ID 1
 * + DATAGRAM frame header 3 + packet header 25 + tag 16, with room for a longer Quarter Stream ID.
 */
const INITIAL_DATAGRAM_BYTES = 1331;

/** A fortieth of a second of a flood that fills a thread, with a token and without; 3 MiB. */
export const BACKLOG_DATAGRAMS = 512;

/** QUIC as the edge speaks it with devices. */
export const edgeQuicConfig = (congestionControl: string): QuicConfig => ({
  ...DEFAULT_CONFIG,
  controller: controllerNamed(congestionControl),
  // Devices keep alive; what is silent for so long is gone.
  maxIdleTimeoutMs: 30_000,
  initialDatagramBytes: INITIAL_DATAGRAM_BYTES,
  maxDatagramBytes: 1452,
  maxDatagramFrameSize: 65_535,
  datagramQueueBytes: 1 << 20,
  datagramQueueCount: 1024,
});

/** @param nowUs of the clock that the endpoint is given @param wallMs milliseconds since 1970 at the same time */
export const edgeEndpointConfig = (nowUs: number, wallMs: number): EndpointConfig => ({
  ...DEFAULT_ENDPOINT_CONFIG,
  cidBytes: ROUTABLE_CID_BYTES,
  backlogDatagrams: BACKLOG_DATAGRAMS,
  tokenTimeOffsetUs: wallMs * 1000 - nowUs,
});

/** TLS as the edge speaks it with devices, as far as it may be replaced while it serves. */
export const edgeIdentity = ({
  certificate,
  key,
  ticketKeys,
}: Pick<ThreadSetup['tls'], 'certificate' | 'key' | 'ticketKeys'>) => ({
  identities: [{ certificateChain: certificate, privateKey: key }],
  ...(ticketKeys.length > 0 && { ticketKeys }),
});
