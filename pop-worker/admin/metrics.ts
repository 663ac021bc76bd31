import type { Server } from 'node:http';
import { isListenFault, listenFault } from '#telemetry/listen-fault.ts';
import { StartError } from '../start-error.ts';
import { type AdminView, serveAdminHttp } from './http.ts';

/**
 * The admin listener of a program whose file or option says where.
 *
 * @param listen `host:port`
 * @param setting to change, for people: `metrics`
 * @throws StartError when that cannot be listened on
 */
export const serveMetrics = async (listen: string, view: AdminView, setting: string): Promise<Server> => {
  try {
    return await serveAdminHttp(listen, view);
  } catch (error) {
    throw isListenFault(error) ? new StartError(listenFault(listen, error, setting)) : error;
  }
};
