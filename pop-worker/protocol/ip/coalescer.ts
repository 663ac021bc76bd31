import { checksum, fold, pseudoHeaderSum, readWord, type Sum, sumWords, writeWord } from './checksum.ts';
import { type GatherBatch, GsoType, MESSAGE_WORDS, NEEDS_CHECKSUM } from './offload.ts';
import { Fragment, type IpView, Protocol } from './view.ts';

/** Flows that may be open at once; a further one closes the oldest. */
export const OPEN_FLOWS = 16;
/** Bytes of the largest packet that is put together: IPv4's own limit. */
const MOST_BYTES = 65_535;
const MOST_SEGMENTS = 64;

const ACK = 0x10;
const PSH = 0x08;

/** One flow's packet in the making. */
class Flow {
  message = -1;
  /** Where its first packet lies. */
  start = 0;
  tcpAt = 0;
  payloadAt = 0;
  addressesAt = 0;
  isIpv4 = true;
  nextSequence = 0;
  segmentBytes = 0;
  total = 0;
  segments = 0;
  isOpen = false;
}

/**
 * Joins TCP segments that follow each other in one burst into large packets (generic receive offload), as the kernel
 * would have got them from a network card. What does not qualify passes by itself; the order inside of a flow stays.
 * Headers are changed in place, in the first packet of each flow.
 */
export class Coalescer {
  readonly #batch: GatherBatch;
  readonly #sum: Sum;
  readonly #flows = Array.from({ length: OPEN_FLOWS }, () => new Flow());
  #oldest = 0;

  /** @param sum adds the 16-bit words of a range; the packet engine has a faster one than ours */
  constructor(batch: GatherBatch, sum: Sum = sumWords) {
    this.#batch = batch;
    this.#sum = sum;
  }

  /** Takes one packet, which stays where it is until the batch is written. The batch must not be full. */
  add(buffer: Uint8Array, view: IpView): void {
    if (view.protocol !== Protocol.tcp || view.fragment !== Fragment.none) {
      this.#batch.addMessage(view.start, view.end - view.start);
      return;
    }
    const tcp = view.payloadAt;
    const payloadAt = tcp + ((buffer[tcp + 12] as number) >>> 4) * 4;
    const flow = this.#find(buffer, view);
    const joins =
      tcp + 20 <= view.end &&
      payloadAt >= tcp + 20 &&
      payloadAt < view.end &&
      tcp === view.start + (view.version === 4 ? 20 : 40) &&
      ((buffer[tcp + 13] as number) & ~PSH) === ACK &&
      this.#isIntact(buffer, view);
    if (!joins) {
      if (flow) flow.isOpen = false;
      this.#batch.addMessage(view.start, view.end - view.start);
      return;
    }
    if (flow && this.#append(flow, buffer, view, payloadAt)) return;
    if (flow) flow.isOpen = false;
    this.#start(buffer, view, payloadAt);
  }

  /** Writes the headers of what was joined. Call once, before the batch is written. */
  finish(buffer: Uint8Array): void {
    for (const flow of this.#flows) {
      if (flow.message >= 0) this.#finishFlow(flow, buffer);
      flow.message = -1;
      flow.isOpen = false;
    }
  }

  #finishFlow(flow: Flow, buffer: Uint8Array): void {
    if (flow.segments < 2) return;
    const length = flow.total - (flow.tcpAt - flow.start);
    if (flow.isIpv4) {
      writeWord(buffer, flow.start + 2, flow.total);
      writeWord(buffer, flow.start + 10, 0);
      writeWord(buffer, flow.start + 10, checksum(buffer, flow.start, flow.tcpAt));
    } else writeWord(buffer, flow.start + 4, length);
    const pseudo = pseudoHeaderSum(buffer, flow.addressesAt, flow.isIpv4 ? 8 : 32, Protocol.tcp, length);
    writeWord(buffer, flow.tcpAt + 16, fold(pseudo));
    const words = this.#batch.messages;
    const at = flow.message * MESSAGE_WORDS;
    words[at + 2] = NEEDS_CHECKSUM;
    words[at + 3] = flow.isIpv4 ? GsoType.tcp4 : GsoType.tcp6;
    words[at + 4] = flow.payloadAt - flow.start;
    words[at + 5] = flow.segmentBytes;
    words[at + 6] = flow.tcpAt - flow.start;
    words[at + 7] = 16;
  }

  /** The open flow with the same addresses and ports. */
  #find(buffer: Uint8Array, view: IpView): Flow | undefined {
    const flows = this.#flows;
    for (let i = 0; i < OPEN_FLOWS; i++) {
      const flow = flows[i] as Flow;
      if (!flow.isOpen || flow.isIpv4 !== (view.version === 4)) continue;
      if (!equal(buffer, flow.addressesAt, view.sourceAt, view.addressBytes * 2)) continue;
      if (equal(buffer, flow.tcpAt, view.payloadAt, 4)) return flow;
    }
    return undefined;
  }

  /** Adds a packet to a flow when everything but length, sequence number and PSH is as in its first packet. */
  #append(flow: Flow, buffer: Uint8Array, view: IpView, payloadAt: number): boolean {
    const bytes = view.end - payloadAt;
    const tcp = view.payloadAt;
    if (sequenceOf(buffer, tcp) !== flow.nextSequence || bytes > flow.segmentBytes) return false;
    if (flow.total + bytes > MOST_BYTES || flow.segments === MOST_SEGMENTS) return false;
    if (payloadAt - tcp !== flow.payloadAt - flow.tcpAt) return false;
    // Acknowledgement and data offset; window; urgent pointer and options.
    if (!equal(buffer, flow.tcpAt + 8, tcp + 8, 5) || !equal(buffer, flow.tcpAt + 14, tcp + 14, 2)) return false;
    if (!equal(buffer, flow.tcpAt + 18, tcp + 18, payloadAt - tcp - 18)) return false;
    if (!this.#sameIpHeader(flow, buffer, view)) return false;
    this.#batch.extend(flow.message, payloadAt, bytes);
    flow.nextSequence = (flow.nextSequence + bytes) >>> 0;
    flow.total += bytes;
    flow.segments++;
    const pushed = ((buffer[tcp + 13] as number) & PSH) !== 0;
    if (pushed) buffer[flow.tcpAt + 13] = (buffer[flow.tcpAt + 13] as number) | PSH;
    if (pushed || bytes < flow.segmentBytes) flow.isOpen = false;
    return true;
  }

  /** Traffic class, hop limit and don't-fragment; the addresses were compared before. */
  #sameIpHeader(flow: Flow, buffer: Uint8Array, view: IpView): boolean {
    const a = flow.start;
    const b = view.start;
    if (!flow.isIpv4) return equal(buffer, a, b, 4) && buffer[a + 7] === buffer[b + 7];
    return buffer[a + 1] === buffer[b + 1] && buffer[a + 8] === buffer[b + 8] && buffer[a + 6] === buffer[b + 6];
  }

  #start(buffer: Uint8Array, view: IpView, payloadAt: number): void {
    const flow = this.#flows[this.#oldest] as Flow;
    this.#oldest = (this.#oldest + 1) % OPEN_FLOWS;
    if (flow.message >= 0) this.#finishFlow(flow, buffer);
    flow.message = this.#batch.addMessage(view.start, view.end - view.start);
    flow.start = view.start;
    flow.tcpAt = view.payloadAt;
    flow.payloadAt = payloadAt;
    flow.addressesAt = view.sourceAt;
    flow.isIpv4 = view.version === 4;
    flow.segmentBytes = view.end - payloadAt;
    flow.nextSequence = (sequenceOf(buffer, view.payloadAt) + flow.segmentBytes) >>> 0;
    flow.total = view.end - view.start;
    flow.segments = 1;
    flow.isOpen = ((buffer[view.payloadAt + 13] as number) & PSH) === 0;
  }

  /** A joined packet is vouched for as a whole, so each part must be right by itself. */
  #isIntact(buffer: Uint8Array, view: IpView): boolean {
    const length = view.end - view.payloadAt;
    const pseudo = pseudoHeaderSum(buffer, view.sourceAt, view.addressBytes * 2, Protocol.tcp, length);
    return fold(pseudo + this.#sum(buffer, view.payloadAt, view.end)) === 0xffff;
  }
}

const sequenceOf = (buffer: Uint8Array, tcp: number): number =>
  (readWord(buffer, tcp + 4) * 0x10000 + readWord(buffer, tcp + 6)) >>> 0;

const equal = (buffer: Uint8Array, a: number, b: number, bytes: number): boolean => {
  for (let i = 0; i < bytes; i++) if (buffer[a + i] !== buffer[b + i]) return false;
  return true;
};
