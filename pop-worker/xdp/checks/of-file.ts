import { resolve } from 'node:path';
import { readCertificate } from '#settings/key-files.ts';
import type { XdpCheckFile } from '#settings/xdp-check.ts';
import type { XdpFile, XdpServiceFile } from '#settings/xdp-file.ts';
import { servicesOfFile } from '../balance/of-file.ts';
import { backendName, serviceName } from '../balance/wanted.ts';
import type { CheckTarget, CheckTls, CheckWanted } from './wanted.ts';

const MS = 1000;
const USUAL_TIMEOUT_SECONDS = 2;

const tlsOf = (
  { verify, ca_file: authority }: { readonly verify: boolean; readonly ca_file?: string | undefined },
  folder: string,
): CheckTls => ({
  isVerified: verify,
  authority: authority === undefined ? undefined : readCertificate(resolve(folder, authority), 'the CA file'),
});

const checkOf = (file: XdpCheckFile, service: XdpServiceFile, folder: string): CheckWanted => {
  const { interval_seconds: interval, timeout_seconds: timeout = Math.min(USUAL_TIMEOUT_SECONDS, interval) } = file;
  const common = {
    // The settings have refused a check without a port where the service has any.
    port: file.port ?? Number(service.port),
    ...{ intervalMs: interval * MS, timeoutMs: timeout * MS },
    ...{ rise: file.rise, fall: file.fall },
  };
  switch (file.kind) {
    case 'http':
      return {
        ...{ ...common, kind: file.kind, path: file.path, host: file.host, statuses: file.status },
        tls: { isVerified: true, authority: undefined },
      };
    case 'https':
      return {
        ...{ ...common, kind: file.kind, path: file.path, host: file.host, statuses: file.status },
        tls: tlsOf(file, folder),
      };
    case 'grpc':
      return {
        ...{ ...common, kind: file.kind, host: file.host, service: file.grpc_service },
        tls: file.tls ? tlsOf(file, folder) : undefined,
      };
    default:
      return { ...common, kind: file.kind };
  }
};

/** Backends that are checked. @param folder that files are seen from @throws ConfigError */
export const checksOfFile = (file: XdpFile, folder: string): CheckTarget[] =>
  servicesOfFile(file).flatMap((wanted, i) => {
    const service = file.service[i] as XdpServiceFile;
    if (service.check === undefined) return [];
    const check = checkOf(service.check, service, folder);
    return wanted.backends.map((backend) => ({
      ...{ service: serviceName(wanted), backend: backendName(backend), isDraining: backend.isDraining, check },
    }));
  });
