import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Authority } from '#host/tls/testing/certificates.ts';
import { EDGE4, EDGE6, PORT, SERVER_NAME, TENANTS } from './addresses.ts';
import { ISSUER, type Issuer } from './issuer.ts';

const NAMES = [`DNS:${SERVER_NAME}`, `IP:${EDGE4}`, `IP:${EDGE6}`];

/** More lines of a worker's configuration, by table. */
export interface MoreLines {
  readonly top?: string;
  readonly listen?: string;
  readonly tls?: string;
  readonly static?: string;
  readonly tun?: string;
  readonly proxy?: string;
}

/** Certificate, keys and configuration of a worker, in a folder. */
export class WorkerFiles {
  readonly configuration: string;
  readonly revocations: string;
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    this.configuration = path.join(folder, 'worker.toml');
    this.revocations = path.join(folder, 'revoked.json');
  }

  /** Writes all of them. @param issuer whose tokens it takes */
  async write(authority: Authority, issuer: Issuer, more: MoreLines = {}): Promise<void> {
    const at = (name: string): string => path.join(this.#folder, name);
    const { certificateChain, privateKey } = authority.issue(SERVER_NAME, NAMES);
    writeFileSync(at('edge.pem'), certificateChain);
    writeFileSync(at('edge.key'), privateKey as string, { mode: 0o600 });
    writeFileSync(at('reset.key'), Buffer.alloc(32, 7), { mode: 0o600 });
    writeFileSync(at('jwks.json'), await issuer.jwks());
    this.revoke([]);
    writeFileSync(this.configuration, textOf(more));
  }

  revoke(revocations: unknown): void {
    writeFileSync(this.revocations, JSON.stringify(revocations));
  }

  /** Gives the worker a control plane in place of its own files. @param settings of the section */
  control(settings: { readonly servers: readonly string[]; readonly revisionKeys: Record<string, string> }): void {
    const text = readFileSync(this.configuration, 'utf8');
    const keys = Object.entries(settings.revisionKeys).map(([id, key]) => `"${id}" = "${key}"`);
    const section = `[control]\nservers = ${JSON.stringify(settings.servers)}\nrevision_keys = { ${keys.join(', ')} }\n`;
    writeFileSync(this.configuration, `${text.slice(0, text.indexOf('[static]'))}${section}`);
  }
}

const textOf = (more: MoreLines): string => {
  const tenants = TENANTS.map(({ id, prefixes }) => `{ id = "${id}", prefixes = ${JSON.stringify(prefixes)} }`);
  return `pop = "test"
worker = "w1"
state_directory = "state"
drain_seconds = 2
${more.top ?? ''}
[listen]
addresses = ["${EDGE4}", "${EDGE6}"]
port = ${PORT}
${more.listen ?? ''}
[tls]
certificate = "edge.pem"
key = "edge.key"
reset_key = "reset.key"
${more.tls ?? ''}
[tun]
name = "cbtun"
${more.tun ?? ''}
[admin]
listen = "127.0.0.1:9464"
socket = "admin.sock"
[proxy]
${more.proxy ?? ''}
[static]
issuer = "${ISSUER}"
jwks = "jwks.json"
revocations = "revoked.json"
tenants = [${tenants.join(', ')}]
${more.static ?? ''}
`;
};
