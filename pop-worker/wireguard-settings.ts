import { z } from 'zod';
import type { WireGuardSetup } from '#dataplane/wireguard/setup.ts';
import { privateKeyOf, rawPublicKey } from '#host/wireguard/x25519.ts';
import type { WireGuardKeys } from '#model/wireguard-keys.ts';
import { readSecretFile } from '#settings/key-files.ts';
import { StartError } from './start-error.ts';
import { keyOfBytes } from './wireguard-key.ts';

/** `[wireguard]` of a worker's file: devices come by WireGuard too, at the addresses of `[listen]`. */
export const WireGuardSection = z.strictObject({
  port: z.int().min(1).max(65_535).default(51_820),
  /** File of the private key as `wg genkey` writes it; the same at all workers, and readable by nobody else. */
  private_key_file: z.string(),
  /** The same of the key before: devices that do not know the newer one yet may come by it. */
  previous_private_key_file: z.string().optional(),
  /** Bytes of the largest packet inside; of 1,500 outside IPv6 leaves 1,420. */
  mtu: z.int().min(1280).max(8920).default(1420),
  /** Peers at the same time, about 21 KiB each once they have been here. */
  peers: z.int().min(1).max(1_000_000).default(20_000),
  /** Handshake messages a second of all together, beyond which whoever begins one has to show a cookie. */
  handshakes_per_second: z.int().min(1).max(1_000_000).default(1000),
});
export type WireGuardSettings = z.infer<typeof WireGuardSection>;

/** @param at makes a path of the file's an absolute one */
export const withWireGuardPaths = (settings: WireGuardSettings, at: (path: string) => string): WireGuardSettings => ({
  ...settings,
  private_key_file: at(settings.private_key_file),
  ...(settings.previous_private_key_file !== undefined && {
    previous_private_key_file: at(settings.previous_private_key_file),
  }),
});

/** What is wrong with it beside the rest of the file, in one sentence. */
export const wireGuardFault = (
  { port }: WireGuardSettings,
  listen: { readonly port: number },
  tun: { readonly enabled: boolean },
): string | undefined => {
  if (!tun.enabled) return 'wireguard: without a TUN nobody is served by it: leave one of them out';
  return port === listen.port ? `wireguard.port: listen.port is ${port} too, take another` : undefined;
};

const readKey = (file: string, what: string): Uint8Array => {
  const bytes = readSecretFile(file, what);
  const key = keyOfBytes(bytes);
  bytes.fill(0);
  if (key !== undefined) return key;
  // Without what it says: that may be a key all the same.
  throw new StartError(`${what} ${file} is not 32 bytes in base64: \`wg genkey\` makes one, of the whole fleet`);
};

const publicKeyOf = (key: Uint8Array): Buffer => Buffer.from(rawPublicKey(privateKeyOf(key)));

/** Reads its keys. @throws ConfigError or StartError with what is wrong */
export const readWireGuardKeys = (settings: WireGuardSettings): WireGuardKeys => {
  const { private_key_file: file, previous_private_key_file: previousFile } = settings;
  const privateKey = readKey(file, 'the private key of WireGuard');
  if (previousFile === undefined) return { privateKey };
  const previousPrivateKey = readKey(previousFile, 'the previous private key of WireGuard');
  // By their public keys: some bits of a private one count for nothing (RFC 7748 §5).
  if (!publicKeyOf(privateKey).equals(publicKeyOf(previousPrivateKey))) return { privateKey, previousPrivateKey };
  throw new StartError(
    `the private key of WireGuard ${file} and the previous one ${previousFile} are the same: put the new key into the first, or leave wireguard.previous_private_key_file out`,
  );
};

/** Reads all of it. @throws ConfigError or StartError with what is wrong */
export const readWireGuard = (settings: WireGuardSettings): WireGuardSetup => {
  const { port, mtu, peers: mostPeers, handshakes_per_second: handshakesASecond } = settings;
  return { port, mtu, mostPeers, handshakesASecond, ...readWireGuardKeys(settings) };
};
