import { connect } from 'node:net';
import type { CheckResult, PlainCheck } from '../wanted.ts';
import { bounded } from './bounded.ts';
import { causeOf } from './cause.ts';

/** Whether a connection can be made. It is closed at once, and nothing is sent. */
export const probeTcp = (address: string, { port, timeoutMs }: PlainCheck): Promise<CheckResult> =>
  bounded(timeoutMs, ({ passed, failed }) => {
    const socket = connect({ host: address, port });
    socket.once('connect', () => passed('a connection was made'));
    socket.on('error', (error) => failed(causeOf(error)));
    return () => void socket.destroy();
  });
