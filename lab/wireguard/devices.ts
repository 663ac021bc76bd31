/** The devices of the lab that come by WireGuard. */
import path from 'node:path';
import { root } from '#scripts/setup/paths.mjs';
import { runCommand } from '../command.ts';
import type { ControlPlane } from '../control-plane.ts';
import { OPERATOR } from '../edge.ts';
import type { OutsideAccess } from '../outside.ts';

/** One of each tenant, with the same address; in namespaces of their own. */
export const WIREGUARD_DEVICES = {
  tablet: { tenant: 'acme', id: 'tablet', host: 'client4' },
  kiosk: { tenant: 'globex', id: 'kiosk', host: 'client5' },
} as const;
export type WireGuardDeviceName = keyof typeof WIREGUARD_DEVICES;
const IPV4 = '10.64.0.6';

/** Creates both by the API. @returns the inner IPv6 address of each */
export const createWireGuardDevices = async (
  control: ControlPlane,
): Promise<Readonly<Record<WireGuardDeviceName, string>>> => {
  const calls = Object.values(WIREGUARD_DEVICES).map(({ tenant, id }) => ({
    method: 'POST',
    url: `/v1/tenants/${tenant}/devices`,
    body: { id, network: 'home', ipv4Address: IPV4 },
  }));
  const [tablet, kiosk] = (await control.call(OPERATOR, ...calls)).map(({ ipv6Address }) => String(ipv6Address));
  return { tablet: tablet!, kiosk: kiosk! };
};

/** What the environment might say of another installation. */
const WITHOUT = ['CBR_CONTEXT', 'CBR_TOKEN', 'CBR_TOKEN_SERVICE'].flatMap((name) => ['-u', name]);

/**
 * A device's file for wg-quick with a new key, as `cloudbridge device config` prints it to an operator of this machine.
 *
 * @param folder that stands for the operator's own
 */
export const printConfig = (
  name: WireGuardDeviceName,
  { server, ca, keyFile, issuer, project }: OutsideAccess,
  folder: string,
): Promise<string> => {
  const { tenant, id } = WIREGUARD_DEVICES[name];
  const env = {
    ...{ CBR_CONFIG: path.join(folder, 'config'), CBR_SERVER: server, CBR_SERVICE_ACCOUNT_KEY: keyFile },
    ...{ CBR_CA: ca, CBR_ISSUER: issuer, CBR_PROJECT: project },
  };
  const words = ['device', 'config', `${tenant}/${id}`, '--wireguard', '--generate'];
  const set = Object.entries(env).map((pair) => pair.join('='));
  return runCommand('env', [...WITHOUT, ...set, process.execPath, path.join(root, 'cli/main.ts'), ...words]);
};
