/** Paths of programs and the LD_LIBRARY_PATH they need. */
export interface Unpacked<Name extends string> {
  readonly programs: Readonly<Record<Name, string>>;
  readonly libraries: string;
}
/** Unpacked if they have to be. @throws PeerMissing */
export const debianPeers: () => Promise<Unpacked<'gtlsclient' | 'gtlsserver' | 'iperf3'>>;
/** Of a machine that QEMU emulates: paths of programs, files and folders, and the LD_LIBRARY_PATH of the programs. */
export interface GuestParts {
  readonly qemu: string;
  readonly busybox: string;
  readonly libraries: string;
  readonly kernel: string;
  /** Of the kernel, uncompressed. */
  readonly modules: string;
  readonly firmware: readonly string[];
}
/** Unpacked if they have to be. @throws PeerMissing */
export const guestParts: () => Promise<GuestParts>;
/** Unpacked if they have to be. @throws PeerMissing */
export const dnsPeers: () => Promise<Unpacked<'dig' | 'dnsperf' | 'nsd'>>;
/** Unpacked if they have to be. @throws PeerMissing */
export const wireguardTools: () => Promise<Unpacked<'ethtool' | 'wg' | 'wg-quick'>>;
export type BirdPrograms = Unpacked<'bird' | 'birdcl'>;
/** Unpacked if it has to be. @throws PeerMissing */
export const birdPeer: () => Promise<BirdPrograms>;
/** Unpacked if they have to be. @throws PeerMissing */
export const frrPeer: () => Promise<Unpacked<'bgpd' | 'bfdd' | 'vtysh' | 'zebra'>>;
/** As set-up left it; undefined: it is not here. */
export const findBird: () => BirdPrograms | undefined;
export type WireguardClientPrograms = Unpacked<'wg' | 'wg-quick' | 'wireguard-go'>;
/** Unpacked if they have to be. @throws PeerMissing */
export const wireguardClientPeer: () => Promise<WireguardClientPrograms>;
/** As set-up left them; undefined: they are not here. */
export const findWireguardClient: () => WireguardClientPrograms | undefined;
/** Chromium and the LD_LIBRARY_PATH it needs, empty where it is installed. @throws PeerMissing */
export const chromiumPeer: () => Promise<{ readonly program: string; readonly libraries: string }>;
