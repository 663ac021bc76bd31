import { resolve } from 'node:path';
import { type Prefix, parseIpAddress, parsePrefix } from '#protocol/ip/text.ts';
import { readSecretFile } from '#settings/key-files.ts';
import { ConfigError } from '#settings/toml-file.ts';
import type { XdpBalanceFile, XdpFile, XdpServiceFile } from '#settings/xdp-file.ts';
import type { BalanceOptions } from './settings.ts';
import type { QuicLbWanted, ServerId, ServiceWanted } from './wanted.ts';

/** @param text an address or a prefix, as the settings have taken it */
const prefixOf = (text: string): Prefix => {
  const address = text.includes('/') ? undefined : parseIpAddress(text);
  return address === undefined ? (parsePrefix(text) as Prefix) : { address, length: address.length * 8 };
};

const serverIdOf = (text: string): ServerId => ({ config: Number(text[0]), id: Buffer.from(text.slice(2), 'hex') });

const serviceOf = (file: XdpServiceFile): ServiceWanted => ({
  ...{ prefix: prefixOf(file.address), protocol: file.protocol, port: file.port === 'any' ? 0 : file.port },
  ...{ isBySource: file.by === 'source', isQuic: file.quic },
  backends: file.backend.map(({ address, weight, drain, server_ids: ids }) => ({
    ...{ address: parseIpAddress(address) as Uint8Array, weight, isDraining: drain },
    ...{ encapsulation: file.encapsulation, port: file.gue_port, serverIds: ids.map(serverIdOf) },
  })),
});

export const servicesOfFile = ({ service }: XdpFile): ServiceWanted[] => service.map(serviceOf);

export const optionsOfFile = ({ balance }: XdpFile): BalanceOptions => ({
  ...{ connections: balance.connections, answersEcho: balance.answers_echo },
  timeouts: {
    ...{ new: balance.new_seconds, tcp: balance.tcp_seconds },
    ...{ udp: balance.udp_seconds, closing: balance.closing_seconds },
  },
});

export const seedOfFile = ({ balance: { seed } }: XdpFile): Uint8Array | undefined =>
  seed === undefined ? undefined : Buffer.from(seed, 'hex');

/** @throws ConfigError, which never says a key */
const readKey = (file: string): Uint8Array => {
  const text = readSecretFile(file, 'the key of connection IDs').toString('latin1').trim();
  if (!/^[0-9a-f]{32}$/i.test(text))
    throw new ConfigError(`the key of connection IDs ${file} must be 32 hexadecimal digits`);
  return Buffer.from(text, 'hex');
};

/** @param folder that files are seen from @throws ConfigError */
export const quicConfigsOfFile = ({ quic_lb: list }: XdpFile, folder: string): QuicLbWanted[] =>
  list.map((one) => ({
    ...{ id: one.config, serverIdBytes: one.server_id_bytes, nonceBytes: one.nonce_bytes },
    ...{
      encodesLength: one.encodes_length,
      key: one.key_file === undefined ? undefined : readKey(resolve(folder, one.key_file)),
    },
  }));

/** Where outer packets of either family come from, by the bytes of an address; undefined: where the kernel's would. */
export type OuterSources = Readonly<Record<4 | 16, Prefix | undefined>>;

export const outerSourcesOf = ({ source_ipv4: v4, source_ipv6: v6 }: XdpBalanceFile): OuterSources => {
  const of = (text: string | undefined): Prefix | undefined => (text === undefined ? undefined : prefixOf(text));
  return { 4: of(v4), 16: of(v6) };
};
