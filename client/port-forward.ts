import { parseAuthority } from '#protocol/masque/target.ts';
import { formatHostPort, type HostPort, listen, parseListen } from './listen.ts';
import type { LocalService, TunnelSource } from './local-services.ts';
import { Splice } from './tcp-splice.ts';

/** A port of this machine that leads to one beyond the edge. */
export interface Forward {
  readonly at: HostPort;
  readonly target: HostPort;
}

/** `[ADDRESS:]PORT=HOST:PORT`. */
export const parseForward = (text: string): Forward | undefined => {
  const equals = text.indexOf('=');
  const at = parseListen(text.slice(0, Math.max(0, equals)));
  const target = parseAuthority(text.slice(equals + 1));
  return at === undefined || target === undefined
    ? undefined
    : { at, target: { host: target.host, port: target.port } };
};

export const openForward = ({ at, target }: Forward, source: TunnelSource): Promise<LocalService> =>
  listen(at, 'forward', `forward to ${formatHostPort(target)}`, (socket) => {
    new Splice(socket, target, source, { opened: () => {}, refused: () => socket.resetAndDestroy() });
  });
