import { parseHostPort } from '../api/wire.ts';
import { defineCommand } from '../command.ts';
import { CommandError, SUCCESS, UsageError } from '../failure.ts';

const options = {
  foreground: { type: 'boolean', short: 'f', help: 'stay in the foreground and log on stderr' },
  kernel: { type: 'boolean', help: 'make it with the kernel’s own WireGuard, where it has one' },
  metrics: { type: 'string', placeholder: 'HOST:PORT', help: 'serve /metrics there' },
} as const;

export const wireguardRun = defineCommand({
  name: 'wireguard run',
  summary: 'make a WireGuard interface and serve it until it is removed: a drop-in for wireguard-go',
  description: [
    'Makes the interface IFACE and its socket /var/run/wireguard/IFACE.sock, by which `wg show`, `wg set`, `wg setconf` and',
    '`wg syncconf` work as with any other; addresses and routes are set with `ip`, as ever. Ends when it is told to (SIGTERM),',
    'or when the interface or its socket is removed. Needs root, or CAP_NET_ADMIN, and nothing else of CloudBridge.',
    'With --kernel packets are the kernel’s, and all else is as without; `cloudbridge doctor` says whether it has WireGuard.',
    'docs/wireguard.md has an example from key to ping.',
  ].join('\n'),
  positionals: [{ name: 'IFACE', help: 'name of the interface, such as wg0' }],
  options,
  examples: [
    { run: 'cloudbridge wireguard run wg0', does: 'make wg0 and return once it can be configured' },
    { run: 'cloudbridge wireguard run wg0 --foreground', does: 'the same for a service manager' },
    { run: 'cloudbridge wireguard run wg0 --kernel', does: 'make wg0 an interface of the kernel’s WireGuard' },
  ],
  run: async ({ options: { foreground = false, kernel = false, metrics }, words: [name = ''] }) => {
    if (metrics !== undefined && parseHostPort(metrics) === undefined)
      throw new UsageError(`--metrics is HOST:PORT, such as 127.0.0.1:9586, not ${JSON.stringify(metrics)}`);
    const { StartError } = await import('#pop-worker/start-error.ts');
    const { startDaemon, tellReady } = await import('#pop-worker/wireguard/daemon.ts');
    try {
      if (foreground) {
        const { runWireGuard } = await import('#pop-worker/wireguard/main.ts');
        return await runWireGuard(name, { kernel, metrics, ready: tellReady });
      }
      const more = [...(kernel ? ['--kernel'] : []), ...(metrics === undefined ? [] : ['--metrics', metrics])];
      await startDaemon(['wireguard', 'run', name, '--foreground', ...more]);
      return SUCCESS;
    } catch (error) {
      throw error instanceof StartError ? new CommandError(error.message) : error;
    }
  },
});
