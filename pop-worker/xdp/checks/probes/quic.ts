import { createSocket } from 'node:dgram';
import { isAnswer, makeProbe } from '#pop-worker/routing/anycast/forwarding-probe.ts';
import type { CheckResult, PlainCheck } from '../wanted.ts';
import { bounded } from './bounded.ts';
import { causeOf } from './cause.ts';

/** Whether a QUIC server answers a version that nobody has by Version Negotiation (RFC 9000 §6.1): it keeps nothing of it. */
export const probeQuic = (address: string, { port, timeoutMs }: PlainCheck): Promise<CheckResult> =>
  bounded(timeoutMs, ({ passed, failed }) => {
    const probe = makeProbe();
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    socket.on('error', (error) => failed(causeOf(error)));
    socket.on('message', (datagram) => {
      if (isAnswer(probe, datagram)) passed('it answered by Version Negotiation');
    });
    // Connected, so that a port where nobody listens is told at once.
    socket.once('connect', () => socket.send(probe));
    socket.connect(port, address);
    return () => {
      socket.removeAllListeners();
      // What comes after the end is nobody's concern.
      socket.on('error', () => {});
      socket.close();
    };
  });
