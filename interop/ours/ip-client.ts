import { formatPrefix } from '#protocol/ip/text.ts';
import { type IpTunnel, type IpTunnelSink, openIpTunnel } from '#protocol/masque/connect-ip.ts';
import type { IpRange } from '#protocol/masque/ip-routes.ts';
import { ANY_SCOPE } from '#protocol/masque/ip-scope.ts';
import { defaultIpTemplate } from '#protocol/masque/uri-template.ts';
import type { Arguments } from './arguments.ts';
import { Dialer } from './endpoint.ts';
import { http3 } from './http3.ts';
import { prefixesOf } from './ip-proxy.ts';
import { fail, ready } from './lines.ts';
import { QuietSink } from './quiet-sink.ts';
import { OUTER_BYTES, TunPump } from './tun-pump.ts';

/** The length of the one prefix that a range of the test's proxies is. */
const prefixLength = ({ start, end }: IpRange): number => {
  let length = 0;
  while (
    length < start.length * 8 &&
    ((start[length >> 3] as number) ^ (end[length >> 3] as number)) >> (7 - (length & 7)) === 0
  ) {
    length++;
  }
  return length;
};

/** Asks for addresses, gives them to a TUN, routes what the proxy advertises and forwards until it is ended. */
export const ipClient = (args: Arguments): void => {
  const pump = new TunPump(args.tun);
  const asked = prefixesOf(args.ask);
  let configured = false;
  const join = async (tunnel: IpTunnel): Promise<void> => {
    // A proxy may answer requests one by one.
    if (configured || tunnel.assigned.length < asked.length || tunnel.routes.length === 0) return;
    configured = true;
    const addresses = tunnel.assigned.map(({ prefix }) => formatPrefix(prefix));
    const routes = tunnel.routes.map((range) => formatPrefix({ address: range.start, length: prefixLength(range) }));
    await pump.configure(addresses, Number(args.mtu), routes);
    pump.attach(tunnel);
    ready(args.tun);
  };
  const device: IpTunnelSink = {
    opened: (tunnel) => void tunnel.requestAddresses(asked),
    refused: (_tunnel, { status }) => fail(`refused with status ${status}`),
    addressesAssigned: (tunnel) => void join(tunnel).catch(fail),
    routesAdvertised: (tunnel) => void join(tunnel).catch(fail),
    addressesWanted: (tunnel) => void tunnel.assign([]),
    payload: (_tunnel, buffer, start, end) => pump.write(buffer, start, end),
    closed: (_tunnel, { reason }) => fail(`tunnel ended: ${reason}`),
  };
  const sink = new QuietSink();
  sink.settings = (http3) => {
    if (openIpTunnel(http3, defaultIpTemplate(args.name), ANY_SCOPE, device) === undefined) fail('no Extended CONNECT');
  };
  const dialer = new Dialer(args, { initialDatagramBytes: OUTER_BYTES });
  dialer.dial(http3(sink));
};
