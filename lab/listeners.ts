import dgram from 'node:dgram';
import fs from 'node:fs';
import net from 'node:net';
import { LabError } from './errors.ts';

/** Somewhere to listen. */
export interface Listener {
  readonly address: string;
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
}

/** Listens for a moment. @returns the system's code when that is not possible */
const tryListener = ({ address, port, protocol }: Listener): Promise<string | undefined> =>
  new Promise((resolve) => {
    const failed = (error: NodeJS.ErrnoException): void => resolve(error.code ?? error.message);
    if (protocol === 'tcp') {
      const server = net.createServer().once('error', failed);
      server.listen(port, address, () => server.close(() => resolve(undefined)));
    } else {
      const socket = dgram.createSocket('udp4').once('error', failed);
      socket.bind({ address, port, exclusive: true }, () => socket.close(() => resolve(undefined)));
    }
  });

/** Why a lab cannot listen there, and the mend. @param otherwise what else helps than to end what is in the way */
export const cannotListen = ({ address, port, protocol }: Listener, code: string, otherwise?: string): LabError => {
  const where = `${address}:${port}/${protocol}`;
  const or = otherwise === undefined ? '' : `, or ${otherwise}`;
  if (code !== 'EADDRINUSE') return new LabError(`${where} cannot be listened on (${code})${or}.`);
  const show = `ss -l${protocol === 'tcp' ? 't' : 'u'}np`;
  return new LabError(
    `${where} is in use by another program, perhaps one that listens on every address: end it (\`${show}\` shows ` +
      `it)${or}.`,
  );
};

/** Throws a `LabError` about the first of these that something else listens on. @param otherwise as for `cannotListen` */
export const requireFree = async (listeners: readonly Listener[], otherwise: string): Promise<void> => {
  for (const listener of listeners) {
    const code = await tryListener(listener);
    if (code !== undefined) throw cannotListen(listener, code, otherwise);
  }
};

// TCP_LISTEN, and a UDP socket that is bound and not connected.
const LISTENING = { tcp: '0A', udp: '07' } as const;

/** proc_pid_net(5) writes an address as a number of the machine, which is little-endian. */
const parseLocal = (text: string): { readonly address: string; readonly port: number } => {
  const [hex = '', port = ''] = text.split(':');
  const bytes = hex.match(/../g) ?? [];
  return {
    address: bytes
      .toReversed()
      .map((byte) => Number.parseInt(byte, 16))
      .join('.'),
    port: Number.parseInt(port, 16),
  };
};

/** What of this machine listens on addresses that begin so, as `address:port/protocol`. */
export const listeningOn = (beginning: string): string[] =>
  (['tcp', 'udp'] as const).flatMap((protocol) => {
    const rows = fs.readFileSync(`/proc/net/${protocol}`, 'latin1').split('\n').slice(1);
    return rows.flatMap((row) => {
      const [, local = '', , state] = row.trim().split(/\s+/);
      if (state !== LISTENING[protocol]) return [];
      const { address, port } = parseLocal(local);
      return address.startsWith(beginning) ? [`${address}:${port}/${protocol}`] : [];
    });
  });
