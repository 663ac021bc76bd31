import type { JsonObject } from '@bufbuild/protobuf';
import { parseWireguardEndpoint } from '#model/wireguard.ts';
import type { Device } from '#proto/gen/cloudbridge/v1/device_pb.ts';
import type { Network } from '#proto/gen/cloudbridge/v1/network_pb.ts';
import type { WireguardEdge } from '#proto/gen/cloudbridge/v1/wireguard_pb.ts';
import {
  generateKeyPair,
  generatePresharedKey,
  type KeyPair,
  keyPairOf,
} from '#services/installation/wireguard-keys.ts';
import type { ApiClient } from '../api/client.ts';
import { TARGET_OPTIONS } from '../api/options.ts';
import { defineCommand, type OptionValues } from '../command.ts';
import { confirm, YES_OPTION } from '../confirm.ts';
import { CommandError, SUCCESS, UsageError } from '../failure.ts';
import { readText } from '../resources/body-file.ts';
import { methodNamed } from '../resources/methods.ts';
import { parsePath } from '../resources/path.ts';
import { allowedIps, DEFAULT_MTU, type DeviceConfig, explained, wgQuick } from '../wireguard/wg-quick.ts';

const options = {
  wireguard: { type: 'boolean', help: 'a file for wg-quick, and for every WireGuard client that imports one' },
  generate: { type: 'boolean', help: 'make a key pair: the device gets its public key, the file the private one' },
  'preshared-key': {
    type: 'boolean',
    help: 'with --generate: make a preshared key, too, as is done unasked where there is one',
  },
  'private-key-file': {
    type: 'string',
    placeholder: 'FILE',
    help: "the device's private key, as `wg genkey` wrote it (`-`: stdin); it goes nowhere but into the file",
  },
  endpoint: {
    type: 'string',
    placeholder: 'HOST:PORT',
    help: 'where the device comes to (default: the first of the edge)',
  },
  'private-only': { type: 'boolean', help: "lead only the tenant's networks through the tunnel, not the internet" },
  mtu: {
    type: 'integer',
    placeholder: 'BYTES',
    least: 1280,
    most: 8920,
    help: `of the interface (default: ${DEFAULT_MTU})`,
  },
  qr: { type: 'boolean', help: 'draw it as a QR code, too, on stderr: for the WireGuard apps of telephones' },
  ...YES_OPTION,
  ...TARGET_OPTIONS,
} as const;

type Values = OptionValues<typeof options>;

/** Tables of routes begin here, so that they are none of the system's own. */
const FIRST_TABLE = 1000;

const PATH = methodNamed('device', 'get').path;

const call = async <T>(api: ApiClient, noun: string, verb: string, request: JsonObject): Promise<T> =>
  (await api.call(methodNamed(noun, verb).rpc, request)) as unknown as T;

const check = (values: Values): void => {
  if (values.wireguard !== true) throw new UsageError('Say what for: --wireguard.');
  if (values.generate === true && values['private-key-file'] !== undefined)
    throw new UsageError('--generate makes a private key, --private-key-file has one: not both.');
  if (values['preshared-key'] === true && values.generate !== true)
    throw new UsageError('--preshared-key is made together with the key pair: add --generate.');
  if (values.qr === true && values.generate !== true && values['private-key-file'] === undefined)
    throw new UsageError('--qr is of no use without the private key: add --private-key-file FILE or --generate.');
  if (values.endpoint !== undefined && parseWireguardEndpoint(values.endpoint) === undefined)
    throw new UsageError(`--endpoint takes ADDRESS:PORT, [IPV6]:PORT or NAME:PORT, not \`${values.endpoint}\`.`);
};

interface Keys {
  readonly device: Device;
  readonly privateKey?: string;
  readonly presharedKey?: string;
}

/** Gives the device the key pair that was made for it. */
const giveKeys = async (api: ApiClient, tenant: string, id: string, wantsPresharedKey: boolean): Promise<Keys> => {
  const { privateKey, publicKey } = generateKeyPair();
  const presharedKey = wantsPresharedKey ? generatePresharedKey() : undefined;
  const wireguard = { publicKey, ...(presharedKey !== undefined && { presharedKey }) };
  const mask = Object.keys(wireguard).map((name) => `wireguard.${name}`);
  const request = { tenant, device: { id, wireguard }, updateMask: mask.join(',') };
  const device = await call<Device>(api, 'device', 'update', request);
  return { device, privateKey, ...(presharedKey !== undefined && { presharedKey }) };
};

/** @throws CommandError when the file holds another key than the device's */
const readKey = async (file: string, device: Device, name: string): Promise<KeyPair> => {
  const pair = keyPairOf(await readText(file));
  if (pair === undefined)
    throw new CommandError(`${file} holds no private key as \`wg genkey\` writes one: 32 bytes in base64.`);
  if (pair.publicKey === device.wireguard?.publicKey) return pair;
  throw new CommandError(
    `${file} holds the private key of ${pair.publicKey}, and ${name} has another public key: \`cloudbridge device update ${name} --wireguard-public-key ${pair.publicKey}\` gives it this one.`,
  );
};

const keysOf = async (api: ApiClient, tenant: string, id: string, values: Values): Promise<Keys> => {
  const name = `${tenant}/${id}`;
  const device = await call<Device>(api, 'device', 'get', { tenant, device: id });
  if (values.generate === true) {
    if (device.wireguard !== undefined)
      await confirm(`replace the key of ${name}, which ends its sessions`, values.yes === true);
    // The one that it has nobody can show.
    return giveKeys(api, tenant, id, values['preshared-key'] === true || device.wireguard?.hasPresharedKey === true);
  }
  if (device.wireguard === undefined)
    throw new CommandError(
      `${name} has no WireGuard key yet: --generate makes one, \`cloudbridge device update ${name} --wireguard-public-key KEY\` gives it one that is there.`,
    );
  const file = values['private-key-file'];
  if (values.qr === true && device.wireguard.hasPresharedKey)
    throw new CommandError(
      `${name} has a preshared key, which nobody can show, and a QR code without it is of no use: make both anew by --generate.`,
    );
  return file === undefined ? { device } : { device, privateKey: (await readKey(file, device, name)).privateKey };
};

const networksOf = async (api: ApiClient, tenant: string): Promise<Network[]> => {
  const all: Network[] = [];
  let token = '';
  do {
    const page = await call<{ networks: Network[]; nextPageToken: string }>(api, 'network', 'list', {
      tenant,
      page: { size: 1000, token },
    });
    all.push(...page.networks);
    token = page.nextPageToken;
  } while (token !== '');
  return all;
};

const configOf = async (api: ApiClient, tenant: string, id: string, values: Values): Promise<DeviceConfig> => {
  const edge = await call<WireguardEdge>(api, 'wireguard edge', 'get', {});
  const endpoint = values.endpoint ?? edge.endpoints[0];
  if (edge.publicKey === '' || endpoint === undefined)
    throw new CommandError(
      'Nobody has said how WireGuard clients reach the edge: an operator does by `cloudbridge wireguard edge update`.',
    );
  const networks = await networksOf(api, tenant);
  const { device, privateKey, presharedKey } = await keysOf(api, tenant, id, values);
  const { wireguard } = device;
  const mayLeave = networks.some((network) => network.id === device.network && network.egress);
  return {
    ...{ device: `${tenant}/${id}`, privateKey, presharedKey, endpoint, edgeKey: edge.publicKey, resolvers: edge.dns },
    addresses: [device.ipv4Address, device.ipv6Address],
    networks: wireguard?.networks ?? [],
    tenantPrefixes: networks.flatMap(({ ipv4Pool, ipv6Prefix }) => [ipv4Pool, ipv6Prefix]),
    everything: mayLeave && values['private-only'] !== true,
    mtu: values.mtu ?? DEFAULT_MTU,
    wantsPresharedKey: wireguard?.hasPresharedKey === true,
    keepaliveSeconds: wireguard?.persistentKeepaliveSeconds ?? 0,
    ...(wireguard !== undefined &&
      wireguard.site !== '' && { site: { metric: wireguard.metric, table: FIRST_TABLE + wireguard.peerNumber } }),
  };
};

export const deviceConfig = defineCommand({
  name: 'device config',
  summary: 'print what a device is set up with: a file for wg-quick and WireGuard apps',
  description: [
    'The edge never sees a private key: --generate makes one here and prints it once, --private-key-file takes one that is',
    'there; without either the file has a place for it. A preshared key is shown when it is made and never again.',
    'Everything leads through the tunnel where the network of the device may reach the internet, else the networks of its',
    'tenant do; what lies behind the device itself never does.',
  ].join('\n'),
  positionals: [{ name: 'TENANT/DEVICE', help: 'which device' }],
  options,
  examples: [
    {
      run: 'umask 077; cloudbridge device config acme/laptop --wireguard --generate > wg0.conf',
      does: 'for `wg-quick up`',
    },
    { run: 'cloudbridge device config acme/phone --wireguard --generate --qr', does: 'and for a telephone' },
    {
      run: 'cloudbridge device config acme/site --wireguard --private-key-file site.key --private-only',
      does: 'a key that is there, as of a router',
    },
  ],
  run: async ({ options: values, words: [word = ''], output }) => {
    check(values);
    const [tenant = '', id = ''] = parsePath(PATH, word).map(([, value]) => value);
    const { withApi } = await import('../api/client.ts');
    const config = await withApi(values, (api) => configOf(api, tenant, id, values));
    if (output.isForPrograms) output.record({ ...config, allowedIps: allowedIps(config), config: wgQuick(config) }, []);
    else output.print(explained(config).trimEnd());
    if (values.qr === true) output.remark((await import('../wireguard/qr-code.ts')).drawQrCode(wgQuick(config)));
    return SUCCESS;
  },
});
