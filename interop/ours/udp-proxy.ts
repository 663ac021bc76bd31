import { createSocket, type Socket } from 'node:dgram';
import { acceptUdpRequest, type UdpProxySink, type UdpTunnel } from '#protocol/masque/connect-udp.ts';
import { TUNNEL_HEADROOM } from '#protocol/masque/tunnel.ts';
import { defaultUdpTemplate } from '#protocol/masque/uri-template.ts';
import type { Arguments } from './arguments.ts';
import { serve } from './endpoint.ts';
import { http3 } from './http3.ts';
import { QuietSink } from './quiet-sink.ts';
import { OUTER_BYTES } from './tun-pump.ts';

const HEADROOM = new Uint8Array(TUNNEL_HEADROOM);

const openSocket = (tunnel: UdpTunnel, host: string, port: number): Socket => {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  socket.on('message', (payload) => {
    const framed = Buffer.concat([HEADROOM, payload]);
    tunnel.send(framed, TUNNEL_HEADROOM, framed.length);
  });
  socket.on('error', () => tunnel.close());
  socket.connect(port, host, () => tunnel.accept());
  return socket;
};

/** A CONNECT-UDP proxy (RFC 9298) with one socket a tunnel. */
export const udpProxy = (args: Arguments): void => {
  const sockets = new Map<UdpTunnel, Socket>();
  const proxy: UdpProxySink = {
    udpWanted: (tunnel, { host, port }) => void sockets.set(tunnel, openSocket(tunnel, host, port)),
    payload: (tunnel, buffer, start, end) => sockets.get(tunnel)?.send(buffer.slice(start, end)),
    opened: () => {},
    refused: () => {},
    closed: (tunnel) => {
      sockets.get(tunnel)?.close();
      sockets.delete(tunnel);
    },
  };
  const template = defaultUdpTemplate(args.name);
  const sink = new QuietSink();
  sink.request = (http3, stream, head) => {
    if (acceptUdpRequest(http3, stream, head, template, proxy)) return;
    http3.respond(stream, [{ name: ':status', value: '404' }], true);
  };
  serve(args, { initialDatagramBytes: OUTER_BYTES }, () => http3(sink));
};
