import { z } from 'zod';
import { isId } from '#model/names.ts';
import type { WireGuardPeer } from '#model/wireguard-peer.ts';
import { hostPort, ipAddress, prefix, splitHostPort } from '#settings/fields.ts';
import { readSecretFile } from '#settings/key-files.ts';
import { ConfigError, parseJson } from '#settings/toml-file.ts';
import { keyOfText } from './wireguard-key.ts';

const MOST_NUMBER = 2 ** 24 - 1;
const id = z.string().refine(isId, 'must be lower-case letters, digits and dashes, at most 40');

const key = z.string().transform((text, context) => {
  const bytes = keyOfText(text);
  if (bytes === undefined) context.addIssue({ code: 'custom', message: 'must be a key of 32 bytes in base64' });
  return bytes ?? z.NEVER;
});

const endpoint = hostPort.transform((text, context) => {
  const { host: address, port } = splitHostPort(text);
  if (port === 0 || !ipAddress.safeParse(address).success)
    context.addIssue({ code: 'custom', message: 'must be an IP address and a port' });
  return { address, port };
});

const Peers = z.array(
  z.strictObject({
    ...{ tenant: id, device: id, number: z.int().min(0).max(MOST_NUMBER), publicKey: key },
    presharedKey: key.optional(),
    sources: z.array(prefix).min(1).max(66),
    site: id.optional(),
    metric: z.int().min(0).max(255).optional(),
    probe: ipAddress.optional(),
    egress: z.boolean().default(true),
    endpoint: endpoint.optional(),
    keepaliveSeconds: z.int().min(1).max(65_535).optional(),
  }),
);

/** @returns what two peers share that only one may have */
const shared = (peers: readonly WireGuardPeer[]): string | undefined => {
  const seen = new Set<string>();
  for (const { number, publicKey, tenant, device } of peers) {
    const own = [
      [`number ${number}`, `number ${number}`],
      [`key ${Buffer.from(publicKey).toString('base64')}`, `public key of ${device}`],
      [`${tenant}/${device}`, `device ${tenant}/${device}`],
    ] as const;
    for (const [what, words] of own) {
      if (seen.has(what)) return words;
      seen.add(what);
    }
  }
  return undefined;
};

/** @param file for messages @throws ConfigError with what is wrong, and no key in it */
export const parseWireGuardPeers = (text: string, file: string): readonly WireGuardPeer[] => {
  const peers: readonly WireGuardPeer[] = parseJson(Peers, text, file);
  const twice = shared(peers);
  if (twice !== undefined) throw new ConfigError(`${file}: two peers have the ${twice}`);
  return peers;
};

/** Peers of a worker without control plane; preshared keys may be among them. @throws ConfigError */
export const readWireGuardPeers = (file: string): readonly WireGuardPeer[] =>
  parseWireGuardPeers(readSecretFile(file, 'the file of WireGuard peers').toString(), file);
