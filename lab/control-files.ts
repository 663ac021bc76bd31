import fs from 'node:fs';
import path from 'node:path';
import { stringify } from 'smol-toml';
import type { CreatedAccounts } from '#services/installation/accounts.ts';
import type { Identity } from '#services/installation/authority.ts';
import type { CreatedInstallation } from '#services/installation/create.ts';
import type { IntegratorFiles } from '#services/installation/integrator-bundle.ts';
import { configAdminPort, copyPort, NATS_PORTS, type Place, SERVICE_PORTS, type Service } from './place.ts';

/** What the configuration of a lab's control plane is made of. */
export interface ControlSettings {
  readonly folder: string;
  readonly place: Place;
  readonly identity: Identity;
  readonly installation: CreatedInstallation;
  readonly integrators: readonly IntegratorFiles[];
}

/** Where a service is reached through its balancer by whatever name all callers know it. */
export const sharedUrl = ({ control }: Place, service: Service): string =>
  `https://${control.shared}:${SERVICE_PORTS[service]}`;

/** Where one copy listens. */
export const copyAt = ({ control }: Place, service: Service, copy: number): string =>
  `${control.copies}:${copyPort(service, copy)}`;

const write = (settings: ControlSettings, name: string, values: object): string => {
  const file = path.join(settings.folder, name);
  fs.writeFileSync(file, stringify(values));
  return file;
};

/** What the n-th copy of each service reads. @returns the file */
export const writeServicesFile = (settings: ControlSettings, copy: number): string => {
  const { place, identity, installation } = settings;
  const { servers, nats, servicesCredentials, installationKey, revisionKey } = installation;
  return write(settings, `services-${copy + 1}.toml`, {
    nats: { servers, credentials: servicesCredentials, ca: nats.ca, replicas: 1 },
    installation_key: installationKey,
    tls: identity,
    identity: { issuer: sharedUrl(place, 'auth') },
    auth: { listen: copyAt(place, 'auth', copy) },
    token: { listen: copyAt(place, 'token', copy), issuer: sharedUrl(place, 'token') },
    config: {
      listen: copyAt(place, 'config', copy),
      admin: `${place.control.copies}:${configAdminPort(copy)}`,
      revision_key: revisionKey,
      // No device reaches where the control plane itself listens for workers.
      refused: place.control.prefixes,
    },
  });
};

/** What the n-th copy of the API at the edge reads. @returns the file */
export const writeEdgeFile = (settings: ControlSettings, copy: number, accounts: CreatedAccounts): string => {
  const { place, identity, installation } = settings;
  return write(settings, `edge-${copy + 1}.toml`, {
    listen: copyAt(place, 'edge', copy),
    tls: identity,
    nats: {
      url: `wss://${place.control.address}:${NATS_PORTS.webSocket}`,
      credentials: installation.edgeCredentials,
      ca: installation.nats.ca,
    },
    identity: {
      issuer: sharedUrl(place, 'auth'),
      project: accounts.project,
      operator_organisation: accounts.organisation,
    },
    token: { issuer: sharedUrl(place, 'token') },
  });
};
