import { runTool } from '../command/run-tool.ts';

/** Sets links and routes by `ip` until the netlink host does it. */

const INSTALL = '`apt-get install iproute2`';

const ipBatch = (lines: readonly string[]): Promise<string> =>
  runTool('ip', ['-batch', '-'], INSTALL, `${lines.join('\n')}\n`);

const familyOf = (prefix: string): '-4' | '-6' => (prefix.includes(':') ? '-6' : '-4');

/** @throws ToolError */
export const setLinkUp = (device: string, mtu: number): Promise<unknown> =>
  ipBatch([`link set dev ${device} mtu ${mtu}`, `link set dev ${device} up`]);

/** Leads prefixes to a device; those that lead there already stay. @throws ToolError */
export const addRoutes = async (device: string, prefixes: readonly string[]): Promise<void> => {
  for (const family of ['-4', '-6'] as const) {
    const lines = prefixes
      .filter((prefix) => familyOf(prefix) === family)
      .map((prefix) => `route replace ${prefix} dev ${device}`);
    if (lines.length > 0) await runTool('ip', [family, '-batch', '-'], INSTALL, `${lines.join('\n')}\n`);
  }
};

/** @throws ToolError, also when one is not there */
export const removeRoute = (device: string, prefix: string): Promise<unknown> =>
  runTool('ip', [familyOf(prefix), 'route', 'delete', prefix, 'dev', device], INSTALL);
