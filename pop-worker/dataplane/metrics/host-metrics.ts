import type { TunDevice } from '#host/tun/device.ts';
import type { UdpSocket } from '#host/udp/socket.ts';
import { byLabel, single } from './series.ts';

const DATAGRAMS = byLabel('cloudbridge_udp_datagrams_total', 'direction');
const BYTES = byLabel('cloudbridge_udp_bytes_total', 'direction');
const MESSAGES = byLabel('cloudbridge_udp_messages_total', 'direction');
const LOST = byLabel('cloudbridge_udp_lost_datagrams_total', 'reason');
const BLOCKED = single('cloudbridge_udp_blocked_sends_total');
const TUN_PACKETS = byLabel('cloudbridge_tun_packets_total', 'direction');
const TUN_BYTES = byLabel('cloudbridge_tun_bytes_total', 'direction');
const TUN_LOST = byLabel('cloudbridge_tun_lost_packets_total', 'reason');
const FALLBACKS = byLabel('cloudbridge_host_fallbacks_count', 'feature');

export interface HostParts {
  readonly sockets: readonly UdpSocket[];
  readonly tun: TunDevice | undefined;
  /** Features that were missing when they were opened, one for each place. */
  readonly fallbacks: readonly string[];
}

/** Brings the slots of sockets and TUN up to date. */
export const collectHost = (slots: Float64Array, { sockets, tun, fallbacks }: HostParts): void => {
  const udp = sockets.map(({ counters }) => counters);
  const sum = (name: keyof UdpSocket['counters']): number => udp.reduce((total, one) => total + one[name], 0);
  slots[DATAGRAMS.received] = sum('receivedSegments');
  slots[DATAGRAMS.sent] = sum('sentSegments');
  slots[BYTES.received] = sum('receivedBytes');
  slots[BYTES.sent] = sum('sentBytes');
  slots[MESSAGES.received] = sum('receivedMessages');
  slots[MESSAGES.sent] = sum('sentMessages');
  slots[LOST.truncated] = sum('receiveTruncated');
  slots[LOST.too_large] = sum('tooLarge');
  slots[LOST.no_buffers] = sum('noBuffers');
  slots[LOST.refused] = sum('refused');
  slots[LOST.not_permitted] = sum('notPermitted');
  slots[LOST.unreachable] = sum('unreachable');
  slots[LOST.other] = sum('otherErrors') + sum('receiveErrors');
  slots[BLOCKED] = sum('wouldBlock');
  if (tun !== undefined) collectTun(slots, tun);
  for (const [feature, at] of Object.entries(FALLBACKS)) {
    slots[at] = fallbacks.filter((name) => name === feature).length;
  }
  slots[FALLBACKS.gso] = udp.filter(({ gsoRefusals }) => gsoRefusals > 0).length;
};

const collectTun = (slots: Float64Array, tun: TunDevice): void => {
  const { readPackets, readBytes, readErrors, writtenPackets, writtenBytes, ...lost } = tun.counters;
  slots[TUN_PACKETS.read] = readPackets;
  slots[TUN_PACKETS.written] = writtenPackets;
  slots[TUN_BYTES.read] = readBytes;
  slots[TUN_BYTES.written] = writtenBytes;
  slots[TUN_LOST.read] = readErrors;
  slots[TUN_LOST.invalid] = lost.invalid;
  slots[TUN_LOST.no_buffers] = lost.noBuffers;
  slots[TUN_LOST.down] = lost.down;
  slots[TUN_LOST.other] = lost.otherErrors;
};
