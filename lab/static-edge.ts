import fs from 'node:fs';
import path from 'node:path';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { stringify } from 'smol-toml';
import { root } from '#scripts/setup/paths.mjs';
import type { Lab } from './lab.ts';
import { Authority, type Identity } from './pki.ts';
import type { LabProcess } from './process.ts';
import { ANYCAST } from './topology.ts';

/** What a worker asks of a token's `aud`. */
const AUDIENCE = 'cloudbridge-pop';
const ISSUER = 'https://lab.cloudbridge.internal';
const LIFETIME_SECONDS = 3600;

/** Two tenants with the same IPv4 addresses; each has an IPv6 prefix of its own. */
export const TENANTS = [
  { id: 'acme', prefixes: ['10.64.0.0/10', 'fd0a:cb::/48'] },
  { id: 'globex', prefixes: ['10.64.0.0/10', 'fd0b:cb::/48'] },
] as const;

export interface Device {
  readonly tenant: string;
  readonly id: string;
  /** Namespace that it lives in. */
  readonly host: string;
  readonly ipv4: string;
  readonly ipv6: string;
}

export const DEVICES = {
  laptop: { tenant: 'acme', id: 'laptop', host: 'client1', ipv4: '10.64.0.2', ipv6: 'fd0a:cb::2' },
  phone: { tenant: 'acme', id: 'phone', host: 'client2', ipv4: '10.64.0.3', ipv6: 'fd0a:cb::3' },
  camera: { tenant: 'globex', id: 'camera', host: 'client3', ipv4: '10.64.0.2', ipv6: 'fd0b:cb::2' },
} as const satisfies Record<string, Device>;

type SigningKey = Awaited<ReturnType<typeof generateKeyPair>>['privateKey'];

/** PoP workers that serve a fixed configuration, and tokens that they take: an edge without its control plane. */
export class StaticEdge {
  readonly lab: Lab;
  readonly folder: string;
  readonly authority: Authority;
  readonly #identity: Identity;
  readonly #signingKey: SigningKey;
  readonly workers = new Map<string, LabProcess>();

  private constructor(lab: Lab, folder: string, authority: Authority, identity: Identity, signingKey: SigningKey) {
    this.lab = lab;
    this.folder = folder;
    this.authority = authority;
    this.#identity = identity;
    this.#signingKey = signingKey;
  }

  /** Makes keys and certificates, in a folder that ends with the lab. */
  static async create(lab: Lab): Promise<StaticEdge> {
    const folder = lab.makeFolder('edge');
    const authority = await Authority.create(folder);
    const identity = await authority.issue('edge', {
      names: ['edge.cloudbridge.internal', 'localhost'],
      addresses: [ANYCAST.v4, ANYCAST.v6, '127.0.0.1'],
      usage: 'server',
    });
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
    const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'lab', alg: 'ES256', use: 'sig' }] };
    fs.writeFileSync(path.join(folder, 'jwks.json'), JSON.stringify(jwks));
    const random = (name: string, bytes: number): void =>
      fs.writeFileSync(path.join(folder, name), crypto.getRandomValues(new Uint8Array(bytes)), { mode: 0o600 });
    random('ticket.key', 80);
    random('reset.key', 32);
    return new StaticEdge(lab, folder, authority, identity, privateKey);
  }

  /** Starts one PoP's worker; resolves when it serves. */
  async startWorker(pop: string): Promise<LabProcess> {
    const file = path.join(this.folder, `${pop}.toml`);
    fs.writeFileSync(file, this.#workerFile(pop));
    const worker = await this.lab.start({
      name: `worker-${pop}`,
      host: pop,
      command: process.execPath,
      args: [path.join(root, 'cli/main.ts'), 'worker', 'run', '--config', file],
      announcesReady: true,
    });
    this.workers.set(pop, worker);
    return worker;
  }

  #workerFile(pop: string): string {
    return stringify({
      pop,
      worker: 'w1',
      state_directory: path.join(this.folder, `${pop}-state`),
      listen: { addresses: [ANYCAST.v4, ANYCAST.v6], port: 443 },
      tls: {
        certificate: this.#identity.certificate,
        key: this.#identity.key,
        ticket_keys: path.join(this.folder, 'ticket.key'),
        reset_key: path.join(this.folder, 'reset.key'),
      },
      admin: { listen: '127.0.0.1:9464', socket: path.join(this.folder, `${pop}.sock`) },
      static: { issuer: ISSUER, jwks: path.join(this.folder, 'jwks.json'), tenants: TENANTS },
    });
  }

  /** Writes a fresh token for a device. @returns the file */
  async token(device: Device): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    const { tenant, ipv4, ipv6 } = device;
    const token = await new SignJWT({ tenant, ipv4, ipv6, egress: true })
      .setProtectedHeader({ alg: 'ES256', kid: 'lab' })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setSubject(device.id)
      .setJti(crypto.randomUUID())
      .setIssuedAt(now)
      .setExpirationTime(now + LIFETIME_SECONDS)
      .sign(this.#signingKey);
    const file = path.join(this.folder, `${tenant}-${device.id}.token`);
    fs.writeFileSync(file, token, { mode: 0o600 });
    return file;
  }
}
