import { Http3Connection } from '#protocol/http3/connection.ts';
import type { MemoryLimits } from '#protocol/http3/testing/memory-quic.ts';
import { MemoryPair } from '#protocol/http3/testing/pair.ts';
import { bytes, lines } from '#protocol/http3/testing/raw.ts';
import { Recorder } from '#protocol/http3/testing/recorder.ts';
import { acceptIpRequest, type IpTunnel } from '../connect-ip.ts';
import { acceptTcpRequest } from '../connect-tcp.ts';
import { acceptUdpRequest, type UdpTunnel } from '../connect-udp.ts';
import { TUNNEL_HEADROOM } from '../tunnel.ts';
import { defaultIpTemplate, defaultUdpTemplate } from '../uri-template.ts';
import { ProxyLog } from './proxy-log.ts';

export const UDP = defaultUdpTemplate('proxy.example');
export const IP = defaultIpTemplate('proxy.example');

/** A client and a proxy that takes every kind of tunnel. */
export const connect = (
  options: { seed?: number; piece?: number; limits?: Partial<MemoryLimits>; h3Datagram?: boolean } = {},
) => {
  const pair = new MemoryPair(options.seed ?? 1, options.limits, options.piece);
  const http3 = options.h3Datagram === undefined ? {} : { h3Datagram: options.h3Datagram };
  const requests = new Recorder();
  const c = new Http3Connection(pair.client, new Recorder(), http3);
  const s = new Http3Connection(pair.server, requests, http3);
  const client = new ProxyLog();
  const server = new ProxyLog();
  requests.onRequest = (h3, stream, head) => {
    const taken =
      acceptUdpRequest(h3, stream, head, UDP, server) ||
      acceptIpRequest(h3, stream, head, IP, server) ||
      acceptTcpRequest(h3, stream, head, server);
    if (!taken) h3.respond(stream, lines(':status: 404'), true);
  };
  pair.connect(c.events, s.events);
  pair.run();
  return { pair, c, s, client, server };
};

/** Sends text as a payload. */
export const send = (tunnel: UdpTunnel | IpTunnel, text: string): boolean => {
  const buffer = bytes('#'.repeat(TUNNEL_HEADROOM), text);
  return tunnel.send(buffer, TUNNEL_HEADROOM, buffer.length);
};
