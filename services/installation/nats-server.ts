import { isIP } from 'node:net';
import { join } from 'node:path';
import type { Authority, Identity, IssueOptions } from './authority.ts';
import { keep, keepCopy, read } from './files.ts';
import type { Settings } from './settings.ts';

/** Ports of NATS: for clients, for the edge Worker (WebSocket), for leaf nodes, between servers. */
export const NATS_PORTS = { clients: 4222, websocket: 8444, leaf: 7422, cluster: 6222 } as const;

/** One server: a folder to copy to its machine, with all that `nats-server` needs there. */
export interface NatsServerFiles {
  readonly host: string;
  /** `nats-server` has to be started in it: the paths in its configuration are relative. */
  readonly folder: string;
  /** For `nats-server -c`. */
  readonly config: string;
  /** For its environment: where its data goes. */
  readonly environment: Readonly<Record<string, string>>;
  /** PEM file of what clients trust. */
  readonly ca: string;
}

const quote = (text: string): string => JSON.stringify(text);
const inUrl = (host: string): string => (isIP(host) === 6 ? `[${host}]` : host);
export const natsUrl = (host: string): string => `tls://${inUrl(host)}:${NATS_PORTS.clients}`;

/** Where to listen so as to be reached at this host: a name may stand for any address of the machine. */
export const listenAt = (host: string, port: number): string => `${isIP(host) === 0 ? '0.0.0.0' : inUrl(host)}:${port}`;

/** SAN entries for a host that is a name or an address. */
export const subjectOf = (...hosts: readonly string[]): { names: string[]; addresses: string[] } => ({
  names: hosts.filter((host) => isIP(host) === 0),
  addresses: hosts.filter((host) => isIP(host) !== 0),
});

/** Where a server reads who may connect. */
export const accountsFile = ({ folder }: NatsServerFiles): string => join(folder, 'accounts.conf');

const at = (folder: string, host: string): NatsServerFiles => ({
  host,
  folder,
  config: join(folder, 'nats.conf'),
  environment: { CBR_NATS_STORE: quote(join(folder, 'data')) },
  ca: join(folder, 'ca.pem'),
});

/** A new certificate for the server's key. */
export const issueForNats = (
  { folder, host }: NatsServerFiles,
  { natsAliases }: Settings,
  authority: Authority,
): Promise<Identity> => authority.issue(join(folder, 'server'), certified(host, natsAliases));

// NATS' client checks for `localhost` where it was given an address (Node's default): no other certificate has it.
const certified = (host: string, aliases: readonly string[]): IssueOptions => ({
  ...subjectOf(...new Set([host, ...aliases, 'localhost'])),
  usage: 'both',
});

/** The files of all servers of an installation, made unless they are there. */
export const keepNatsServers = (
  folder: string,
  { natsHosts, natsAliases }: Settings,
  authority: Authority,
): Promise<NatsServerFiles[]> =>
  Promise.all(
    natsHosts.map(async (host) => {
      const files = at(join(folder, host), host);
      await authority.ensure(join(files.folder, 'server'), certified(host, natsAliases));
      await keepCopy(files.ca, authority.file);
      await keepCopy(files.config, TEMPLATE);
      await keep(join(files.folder, 'local.conf'), () => localConfig(host, natsHosts), read);
      return files;
    }),
  );

const TEMPLATE = new URL('../../nats.conf', import.meta.url).pathname;

const TLS = 'cert_file: "server.pem", key_file: "server.key"';
const MUTUAL = `${TLS}, ca_file: "ca.pem"`;

const localConfig = (host: string, hosts: readonly string[]): string => {
  const listen = (port: number): string => quote(listenAt(host, port));
  const reachedAt = (port: number): string => quote(`${inUrl(host)}:${port}`);
  const { clients, websocket, leaf, cluster } = NATS_PORTS;
  const lines = [
    `# What is this server's own. Paths are relative to the folder that nats-server is started in.`,
    `server_name: ${quote(hosts.length === 1 ? 'cloudbridge' : `cloudbridge-${hosts.indexOf(host) + 1}`)}`,
    `listen: ${listen(clients)}`,
    `tls { ${TLS} }`,
    `websocket { listen: ${listen(websocket)}, tls { ${TLS} } }`,
    `leafnodes { listen: ${listen(leaf)}, tls { ${MUTUAL} } }`,
  ];
  if (hosts.length > 1) {
    const routes = hosts.filter((other) => other !== host).map((other) => quote(`nats://${inUrl(other)}:${cluster}`));
    lines.push(
      `client_advertise: ${reachedAt(clients)}`,
      // Only who has a certificate of the installation's own for its address may join.
      `cluster { name: "cloudbridge", listen: ${listen(cluster)}, cluster_advertise: ${reachedAt(cluster)},`,
      `  tls { ${MUTUAL}, verify: true }, routes: [${routes.join(', ')}] }`,
    );
  }
  return `${lines.join('\n')}\n`;
};
