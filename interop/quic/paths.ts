import { PacketType } from '#protocol/quic/wire/packet/packet-type.ts';
import type { Check } from './evidence.ts';
import { type Seen, shortDcid } from './trace.ts';

/** RFC 9000 §8.2.1: datagrams with PATH_CHALLENGE are this large, unless three times what came is less (§8.1). */
const CHALLENGE_BYTES = 1200;

/** A path that begins later than this before the end may end unanswered. */
const ANSWER_US = 500_000;

const clientOf = ({ fromClient, source, sourcePort, destination, destinationPort }: Seen): string =>
  fromClient ? `${source} ${sourcePort}` : `${destination} ${destinationPort}`;

type FirstOnPath = { readonly atUs: number; readonly bytes: number; readonly allowed: number };

/** The first datagram to each address of the client's, in order, and how much may have gone there after the first that came. */
const firstOnPaths = (all: readonly Seen[]): FirstOnPath[] => {
  const came = new Map<string, number>();
  const first = new Map<string, FirstOnPath>();
  for (const seen of all) {
    const { fromClient, bytes, atUs } = seen;
    const client = clientOf(seen);
    if (fromClient) came.set(client, came.get(client) ?? bytes);
    else if (!first.has(client)) first.set(client, { atUs, bytes, allowed: 3 * (came.get(client) ?? 0) });
  }
  return [...first.values()];
};

/**
 * The server met the client on several paths, each of which it asked first: a datagram that is as large as a challenge
 * has to be, at once, and our own count of challenges that came or were answered.
 */
export const pathsAsked: Check = ({ atServer, ours, weAre }) => {
  const fresh = firstOnPaths(atServer.all).slice(1);
  if (fresh.length === 0) return 'The server saw one path only.';
  const small = fresh.find(({ bytes, allowed }) => bytes < Math.min(CHALLENGE_BYTES, allowed));
  if (small !== undefined) return `The first datagram on a new path has ${small.bytes} bytes: that is no challenge.`;
  const endUs = atServer.all.at(-1)?.atUs ?? 0;
  const settled = fresh.filter(({ atUs }) => endUs - atUs > ANSWER_US).length;
  const asked = weAre === 'client' ? ours.challengesReceived : ours.pathsValidated;
  if (asked > 0 && asked >= settled) return undefined;
  return `There were ${settled} new paths, ${asked} ${weAre === 'client' ? 'challenges' : 'of them validated'}.`;
};

export const severalAddresses: Check = ({ atServer }) => {
  const { size } = new Set(atServer.from('server').map(({ destination }) => destination));
  return size > 1 ? undefined : 'The server saw one address of the client only.';
};

/** RFC 9000 §9.5: whoever moves on purpose uses another connection ID there. */
export const otherConnectionId: Check = ({ atClient, atServer }) => {
  const cidBytes = (atServer.packets('server', PacketType.initial)[0]?.scid.length ?? 0) / 2;
  const pathOf = ({ source, sourcePort, destination, destinationPort }: Seen): string =>
    [source, sourcePort, destination, destinationPort].join(' ');
  const paths = [...Map.groupBy(atClient.from('client'), pathOf).values()];
  const used = new Set<string>();
  for (const [i, path] of paths.entries()) {
    const cids = path.flatMap((seen) =>
      seen.packets.filter(({ type }) => type === PacketType.oneRtt).map((packet) => shortDcid(seen, packet, cidBytes)),
    );
    const again = cids.find((cid) => used.has(cid));
    if (again !== undefined) return `Path ${i + 1} uses the connection ID ${again} of another one.`;
    for (const cid of cids) used.add(cid);
  }
  return paths.length > 1 ? undefined : 'The client did not move.';
};
