/** Which process of this machine listens on a TCP port, as far as this user may know: proc_pid_net(5). */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

// TCP_LISTEN
const LISTEN = '0A';

const orNothing = <T>(look: () => T, nothing: T): T => {
  try {
    return look();
  } catch {
    // Of another user, or gone meanwhile.
    return nothing;
  }
};

/** Inodes of sockets that listen on a port, in this network namespace. */
const socketsAt = (port: number): ReadonlySet<string> => {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const rows = ['tcp', 'tcp6'].flatMap((name) =>
    orNothing(() => readFileSync(`/proc/net/${name}`, 'latin1'), '').split('\n'),
  );
  const fields = rows.map((row) => row.trim().split(/\s+/));
  const listening = fields.filter(([, local = '', , state]) => state === LISTEN && local.endsWith(`:${hex}`));
  return new Set(listening.map((row) => `socket:[${row[9]}]`));
};

const has = (pid: string, sockets: ReadonlySet<string>): boolean => {
  const files = orNothing(() => readdirSync(`/proc/${pid}/fd`), []);
  return files.some((file) => sockets.has(orNothing(() => readlinkSync(`/proc/${pid}/fd/${file}`), '')));
};

/** @returns for people, `process 12 (nginx)`; undefined when it is not to be known, or there are several */
export const portOwner = (port: number): string | undefined => {
  const sockets = socketsAt(port);
  if (sockets.size === 0) return undefined;
  const pids = orNothing(() => readdirSync('/proc'), []).filter((name) => /^\d+$/.test(name) && has(name, sockets));
  const [pid] = pids;
  if (pid === undefined || pids.length > 1) return undefined;
  const name = orNothing(() => readFileSync(`/proc/${pid}/comm`, 'utf8'), '').trim();
  return `process ${pid} (${name})`;
};
