/** A PoP worker and `cloudbridge connect` as users run them, on files instead of a control plane. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { pinOf } from '#host/tls/testing/certificates.ts';
import { ISSUER, Issuer } from '#pop-worker/testing/issuer.ts';
import type { ProgramSpec } from '../harness/program.ts';
import type { TunnelOrder } from './tunnel.ts';

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
const TENANT = 'bench';
const issuer = new Issuer();

const command = (...words: readonly string[]) => ({ command: process.execPath, args: [MAIN, ...words] });

const save = ({ folder }: TunnelOrder, name: string, content: string): string => {
  const file = path.join(folder, name);
  writeFileSync(file, content, { mode: 0o600 });
  return file;
};

const configurationOf = ({ identity, address, port, device, mtu, network, settings = '' }: TunnelOrder): string => `
pop = "bench"
worker = "w1"
state_directory = "state"
drain_seconds = 0
[listen]
addresses = ["${address}"]
port = ${port}
[tls]
certificate = "${identity.files.certificate}"
key = "${identity.files.key}"
[tun]
name = "${device}"
mtu = ${mtu}
[admin]
socket = "admin.sock"
[static]
issuer = "${ISSUER}"
jwks = "jwks.json"
tenants = [{ id = "${TENANT}", prefixes = ["${network}", "fd00:1::/48"] }]
${settings}`;

/** `cloudbridge worker run`. Devices reach what is beyond it, and never the worker itself. */
export const worker = async (order: TunnelOrder): Promise<ProgramSpec> => {
  save(order, 'jwks.json', await issuer.jwks());
  const file = save(order, 'worker.toml', configurationOf(order));
  return { name: 'cloudbridge worker', ...command('worker', 'run', '--config', file), ipc: true };
};

/** `cloudbridge connect --tun`; it takes the MTU that the path has. */
export const connect = async (order: TunnelOrder): Promise<ProgramSpec> => {
  const { address, port, device, route, client, folder, identity } = order;
  const who = { tenant: TENANT, device: 'd1', ipv4: client, ipv6: 'fd00:1::2' };
  const token = save(order, 'token', await issuer.token(who));
  const pin = Buffer.from(pinOf(identity.pem.certificate)).toString('hex');
  const edge = ['--server', `https://${address}:${port}`, '--pin', pin, '--token-file', token];
  return {
    name: 'cloudbridge connect',
    ...command('connect', '--json', ...edge, '--tun', device, '--route', route),
    env: { CBR_HOME: folder },
    readyType: 'tunnel',
  };
};
