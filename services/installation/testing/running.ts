import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credsAuthenticator, type NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { inboxPrefix, type NatsRole } from '#model/nats/roles.ts';
import { findNatsServer } from '#scripts/setup/nats-server.mjs';
import { type CreatedInstallation, createInstallation, type InstallationOptions } from '../create.ts';

/** An address of this machine that nobody else uses: all of 127.0.0.0/8 is on the loopback. */
export const freeHost = (): string => {
  const [a, b, c] = crypto.getRandomValues(new Uint8Array(3));
  return `127.${(a as number) % 250 || 1}.${b}.${((c as number) % 250) + 1}`;
};

/** An installation with its NATS servers running. */
export interface RunningInstallation {
  readonly folder: string;
  readonly created: CreatedInstallation;
  readonly servers: readonly ChildProcess[];
  /** Connects with credentials from a file, as programs of the role do. */
  joinAs(role: NatsRole, credentials: string): Promise<NatsConnection>;
  close(): Promise<void>;
}

export const startNatsOf = ({ natsServers }: CreatedInstallation): ChildProcess[] => {
  const found = findNatsServer();
  if (found === undefined) throw new Error('nats-server is missing: run npm test once, or put it on PATH');
  return natsServers.map(({ folder, config, environment }) =>
    spawn(found.file, ['-c', config, '-l', join(folder, 'log')], { cwd: folder, env: environment, stdio: 'ignore' }),
  );
};

/** Connects to an installation's servers. @returns how, and how to end all connections */
export const joiner = (
  created: CreatedInstallation,
): { joinAs: RunningInstallation['joinAs']; close: () => Promise<void> } => {
  const open: NatsConnection[] = [];
  return {
    joinAs: async (role, credentials) => {
      const nats = await connect({
        servers: [...created.servers],
        authenticator: credsAuthenticator(new Uint8Array(await readFile(credentials))),
        inboxPrefix: inboxPrefix(role),
        tls: { ca: await readFile(created.nats.ca, 'utf8') },
        waitOnFirstConnect: true,
        maxReconnectAttempts: 500,
        reconnectTimeWait: 20,
      });
      open.push(nats);
      return nats;
    },
    close: async () => {
      for (const nats of open) await nats.close();
    },
  };
};

export const startInstallation = async (
  options: Omit<InstallationOptions, 'folder'> = {},
): Promise<RunningInstallation> => {
  const parent = await mkdtemp(join(tmpdir(), 'cloudbridge-installation-'));
  const folder = join(parent, 'cb');
  const created = await createInstallation({ folder, natsHosts: [freeHost()], ...options });
  const servers = startNatsOf(created);
  const joined = joiner(created);
  return {
    folder,
    created,
    servers,
    joinAs: joined.joinAs,
    close: async () => {
      await joined.close();
      for (const server of servers) server.kill('SIGKILL');
      await rm(parent, { recursive: true, force: true });
    },
  };
};
