import type { ConnectEvent } from '#client/connect.ts';
import { statisticsLine } from '#client/statistics.ts';

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

const remarks = ({ carrier, resumed }: Extract<ConnectEvent, { type: 'connected' }>): string =>
  carrier === 'tcp' ? ' by TCP' : resumed ? ' (resumed)' : '';

/** One line for people. */
export const describe = (event: ConnectEvent): string => {
  switch (event.type) {
    case 'connecting':
      return `connecting to ${event.server}`;
    case 'connected':
      return `connected to ${event.server} at ${event.address}${remarks(event)}`;
    case 'tunnel':
      return `tunnel ${event.device}: ${event.addresses.join(', ')}, mtu ${event.mtu}`;
    case 'listening':
      return `listening: ${event.service}`;
    case 'not-logged':
      return `the connection is not logged to ${event.path}, ${event.reason}`;
    case 'disconnected':
      return `disconnected: ${event.reason}`;
    case 'retrying':
      return `no connection: ${event.reason}; next try in ${seconds(event.inMs)}`;
    case 'token-renewed':
      return 'the token was renewed';
    case 'token-not-renewed':
      return `the token was not renewed: ${event.reason}; the present one is used until it ends`;
    case 'statistics':
      return statisticsLine(event);
  }
};
