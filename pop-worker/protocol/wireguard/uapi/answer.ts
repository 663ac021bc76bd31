import { formatPrefix, type Prefix } from '#protocol/ip/text.ts';
import { hexOf, KEY_BYTES } from './hex.ts';

export interface InterfaceState {
  /** Undefined: none. */
  readonly privateKey: Uint8Array | undefined;
  /** 0: it listens at none. */
  readonly listenPort: number;
  readonly fwmark: number;
}

export interface PeerState {
  readonly publicKey: Uint8Array;
  readonly presharedKey: Uint8Array | undefined;
  /** As text, `[2001:db8::1]:51820`; empty: not known. */
  readonly endpoint: string;
  /** Of the last handshake: wall time, microseconds since 1970; 0: there was none. */
  readonly lastHandshakeUnixUs: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly persistentKeepaliveS: number;
  readonly allowedIps: readonly Prefix[];
}

const NO_KEY = new Uint8Array(KEY_BYTES);

const line = (name: string, value: string | number): string => `${name}=${value}\n`;

/** The lines of an interface in the answer to `get=1`. */
export const interfaceLines = ({ privateKey, listenPort, fwmark }: InterfaceState): string =>
  (privateKey === undefined ? '' : line('private_key', hexOf(privateKey))) +
  (listenPort === 0 ? '' : line('listen_port', listenPort)) +
  (fwmark === 0 ? '' : line('fwmark', fwmark));

export const peerLines = (peer: PeerState): string => {
  const seconds = Math.floor(peer.lastHandshakeUnixUs / 1e6);
  return (
    line('public_key', hexOf(peer.publicKey)) +
    line('preshared_key', hexOf(peer.presharedKey ?? NO_KEY)) +
    line('protocol_version', 1) +
    (peer.endpoint === '' ? '' : line('endpoint', peer.endpoint)) +
    line('last_handshake_time_sec', seconds) +
    line('last_handshake_time_nsec', Math.floor(peer.lastHandshakeUnixUs - seconds * 1e6) * 1000) +
    line('tx_bytes', peer.sentBytes) +
    line('rx_bytes', peer.receivedBytes) +
    line('persistent_keepalive_interval', peer.persistentKeepaliveS) +
    peer.allowedIps.map((prefix) => line('allowed_ip', formatPrefix(prefix))).join('')
  );
};

/** What every answer ends with. */
export const lastLines = (errno: number): string => `errno=${errno}\n\n`;
