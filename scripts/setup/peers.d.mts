/** Why a peer cannot be had on this machine: the reason of a skip. */
export class PeerMissing extends Error {}
/** Says whether nobody was reached or somebody refused. @param said what programs said besides the cause */
export const notHad: (what: string, cause: string, said?: string) => PeerMissing;
/** A short name for exactly these parts. */
export const fingerprint: (parts: readonly (string | Uint8Array)[]) => string;
/** A Go that is new enough. @throws PeerMissing */
export const findGo: () => { readonly command: string; readonly version: string };
/** Path of the binary with the peers on quic-go, built if it has to be. @throws PeerMissing */
export const goPeers: () => Promise<string>;
/** Paths of GoBGP's daemon and its client, built if they have to be: for minutes. @throws PeerMissing */
export const gobgpPeers: () => Promise<{ readonly gobgp: string; readonly gobgpd: string }>;
/** Path of wireguard-go, built if it has to be: for seconds. @throws PeerMissing */
export const wireguardGoPeer: () => Promise<string>;
/** Path of boringtun-cli, built if it has to be: for a minute. @throws PeerMissing */
export const boringtunPeer: () => Promise<string>;
export type RustPeer = 'quinn' | 's2n-quic';
/** Path of the program on that library, built if it has to be: for minutes. @throws PeerMissing */
export const rustPeers: (name: RustPeer) => Promise<string>;
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
/** Is the router not here, though set-up could bring it? */
export const birdIsMissing: () => boolean;
export type WireguardClientPrograms = Unpacked<'wg' | 'wg-quick' | 'wireguard-go'>;
/** Unpacked if they have to be. @throws PeerMissing */
export const wireguardClientPeer: () => Promise<WireguardClientPrograms>;
/** As set-up left them; undefined: they are not here. */
export const findWireguardClient: () => WireguardClientPrograms | undefined;
/** The interpreter, the program on aioquic and its PYTHONPATH, fetched if it has to be. @throws PeerMissing */
export const pythonPeers: () => Promise<{
  readonly python: string;
  readonly script: string;
  readonly libraries: string;
}>;
/** Chromium and the LD_LIBRARY_PATH it needs, empty where it is installed. @throws PeerMissing */
export const chromiumPeer: () => Promise<{ readonly program: string; readonly libraries: string }>;
/** Is there something that set-up could make here, and has not? */
export const peersAreMissing: () => boolean;
