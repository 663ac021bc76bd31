// Moves content of the internet host, or asks for it, and prints one JSON object; a flow says before that it is under way.
// usage: node lab/probes/main.ts '{"what": …}', see ProbeOrder
import { contentSlices } from '../content.ts';
import { deniedConnections } from './denied.ts';
import { echoFlow } from './flow.ts';
import { untilNotReady } from './ready.ts';
import { downloadResumed } from './resume.ts';
import { smallRequests } from './small.ts';
import { download, upload } from './transfer.ts';
import { roundTrips } from './trips.ts';

/** @param base URL of the internet host @param socks the SOCKS5 proxy to go through, as host:port */
export type ProbeOrder =
  | {
      readonly what: 'download' | 'upload' | 'resume';
      readonly base: string;
      readonly bytes: number;
      readonly socks?: string;
    }
  | { readonly what: 'small'; readonly base: string; readonly count: number; readonly socks?: string }
  | {
      readonly what: 'trips';
      readonly base: string;
      readonly count: number;
      readonly everyMs: number;
      readonly socks?: string;
    }
  | {
      readonly what: 'flow';
      readonly base: string;
      readonly everyMs: number;
      readonly forMs: number;
      readonly socks?: string;
    }
  | { readonly what: 'until-not-ready'; readonly url: string; readonly socks?: never }
  | {
      readonly what: 'denied';
      readonly host: string;
      readonly port: number;
      readonly count: number;
      readonly socks: string;
    };

const UNDER_WAY = 'under way';

const probe = (order: ProbeOrder): Promise<unknown> => {
  const { socks } = order;
  switch (order.what) {
    case 'download':
      return download(`${order.base}/bytes/${order.bytes}`, socks);
    case 'resume':
      return downloadResumed(`${order.base}/bytes/${order.bytes}`, socks);
    case 'upload':
      return upload(`${order.base}/upload`, [...contentSlices(0, order.bytes)], socks);
    case 'small':
      return smallRequests(`${order.base}/small`, order.count, socks);
    case 'trips':
      return roundTrips(`${order.base}/small`, order.count, order.everyMs, socks);
    case 'flow':
      return echoFlow(`${order.base}/echo`, order, () => console.log(UNDER_WAY), socks);
    case 'until-not-ready':
      return untilNotReady(order.url).then(() => null);
    case 'denied':
      return deniedConnections(order.socks, order.host, order.port, order.count);
  }
};

try {
  console.log(JSON.stringify(await probe(JSON.parse(process.argv[2] ?? '{}') as ProbeOrder)));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
