import { type Prefix, parsePrefix } from '#protocol/ip/text.ts';
import { acceptIpRequest, type IpProxySink, type IpTunnel } from '#protocol/masque/connect-ip.ts';
import type { IpRange } from '#protocol/masque/ip-routes.ts';
import { defaultIpTemplate } from '#protocol/masque/uri-template.ts';
import type { Arguments } from './arguments.ts';
import { serve } from './endpoint.ts';
import { http3 } from './http3.ts';
import { fail } from './lines.ts';
import { QuietSink } from './quiet-sink.ts';
import { OUTER_BYTES, TunPump } from './tun-pump.ts';

/** Of a list that is parted by commas. */
export const prefixesOf = (list: string): Prefix[] =>
  list.split(',').map((text) => parsePrefix(text) ?? fail(`${text} is no prefix`));

/** All addresses of a prefix, for any protocol. */
const rangeOf = ({ address, length }: Prefix): IpRange => {
  const end = Uint8Array.from(address);
  for (let bit = length; bit < end.length * 8; bit++) end[bit >> 3] = (end[bit >> 3] as number) | (0x80 >> (bit & 7));
  return { start: address, end, protocol: 0 };
};

/** Gives every client the same prefixes, at most one a family, and forwards between the last one and a TUN. */
export const ipProxy = async (args: Arguments): Promise<void> => {
  const clients = prefixesOf(args.client);
  const pump = new TunPump(args.tun);
  await pump.configure(args.address.split(','), Number(args.mtu), args.client.split(','));
  const assign = (tunnel: IpTunnel): void => {
    const answered = (prefix: Prefix): number =>
      tunnel.wanted.find((wanted) => wanted.prefix.address.length === prefix.address.length)?.requestId ?? 0;
    tunnel.assign(clients.map((prefix) => ({ requestId: answered(prefix), prefix })));
  };
  const proxy: IpProxySink = {
    ipWanted: (tunnel) => {
      tunnel.accept();
      pump.attach(tunnel);
      assign(tunnel);
      tunnel.advertise(prefixesOf(args.route).map(rangeOf));
    },
    addressesWanted: assign,
    payload: (_tunnel, buffer, start, end) => pump.write(buffer, start, end),
    opened: () => {},
    refused: () => {},
    addressesAssigned: () => {},
    routesAdvertised: () => {},
    closed: (_tunnel, { reason }) => process.stderr.write(`tunnel ended: ${reason}\n`),
  };
  const template = defaultIpTemplate(args.name);
  const sink = new QuietSink();
  sink.request = (http3, stream, head) => {
    if (acceptIpRequest(http3, stream, head, template, proxy)) return;
    http3.respond(stream, [{ name: ':status', value: '404' }], true);
  };
  serve(args, { initialDatagramBytes: OUTER_BYTES }, () => http3(sink));
};
