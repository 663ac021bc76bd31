/** The family of WireGuard's messages, their version and commands (linux/wireguard.h). */
export const WIREGUARD_FAMILY = 'wireguard';
export const WIREGUARD_VERSION = 1;
export const WireGuardCommand = { get: 0, set: 1 } as const;

export const KEY_BYTES = 32;

/** WGDEVICE_A_*. */
export const DEVICE = {
  ...{ index: 1, name: 2, privateKey: 3, publicKey: 4, flags: 5, listenPort: 6, fwmark: 7, peers: 8 },
} as const;

/** WGPEER_A_*. */
export const PEER = {
  ...{ publicKey: 1, presharedKey: 2, flags: 3, endpoint: 4, persistentKeepalive: 5, lastHandshake: 6 },
  ...{ receivedBytes: 7, sentBytes: 8, allowedIps: 9, protocolVersion: 10 },
} as const;

/** WGALLOWEDIP_A_*. */
export const ALLOWED_IP = { family: 1, address: 2, length: 3, flags: 4 } as const;

/** WGDEVICE_F_*, WGPEER_F_*, WGALLOWEDIP_F_*. */
export const DeviceFlag = { replacePeers: 1 } as const;
export const PeerFlag = { remove: 1, replaceAllowedIps: 2, updateOnly: 4 } as const;
export const AllowedIpFlag = { remove: 1 } as const;

/** 4 or 16 bytes, and how many bits of them count. */
export interface AllowedIp {
  readonly address: Uint8Array;
  readonly length: number;
}

/** Where a peer is. */
export interface KernelEndpoint {
  /** 4 or 16 bytes. */
  readonly address: Uint8Array;
  readonly port: number;
  /** Of a link-local IPv6 address: the index of an interface; 0: none. */
  readonly scope: number;
}

/** A peer as the kernel tells of it. */
export interface KernelPeer {
  readonly publicKey: Uint8Array;
  /** All zero: none. */
  presharedKey: Uint8Array | undefined;
  endpoint: KernelEndpoint | undefined;
  persistentKeepaliveS: number;
  /** Wall time, microseconds since 1970; 0: there was none. */
  lastHandshakeUnixUs: number;
  receivedBytes: number;
  sentBytes: number;
  readonly allowedIps: AllowedIp[];
}

/** An interface as the kernel tells of it. */
export interface KernelDevice {
  name: string;
  index: number;
  /** All zero: none. */
  privateKey: Uint8Array | undefined;
  listenPort: number;
  fwmark: number;
  readonly peers: KernelPeer[];
}

/** What is to become of a peer; what is absent stays. */
export interface KernelPeerChange {
  readonly publicKey: Uint8Array;
  /** Of `PeerFlag`. */
  readonly flags: number;
  /** All zero: none. */
  readonly presharedKey?: Uint8Array | undefined;
  readonly endpoint?: KernelEndpoint | undefined;
  /** 0: none. */
  readonly persistentKeepaliveS?: number | undefined;
  readonly allowedIps: readonly (AllowedIp & { readonly isRemoved: boolean })[];
}

/** What is to become of an interface; what is absent stays. */
export interface KernelDeviceChange {
  readonly name: string;
  /** Of `DeviceFlag`. */
  readonly flags: number;
  /** All zero: none. */
  readonly privateKey?: Uint8Array | undefined;
  readonly listenPort?: number | undefined;
  readonly fwmark?: number | undefined;
  readonly peers: readonly KernelPeerChange[];
}
