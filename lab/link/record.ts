import type { Carried } from './shaper.ts';

/** What went through one direction of a link in a stretch of time. Delays in microseconds. */
export interface LinkReport {
  readonly seconds: number;
  /** IP bytes that arrived, by who sent them: `udp/4433`, `tcp/5201`, `other`. */
  readonly bytes: Readonly<Record<string, number>>;
  readonly arrived: number;
  /** Packets that did not: the queue was full, or they were dropped on the way. */
  readonly lost: number;
  /** From when a packet came to when it was handed on: queue, transmission, propagation. */
  readonly delayMean: number;
  readonly delayP99: number;
  /** Mean of how long after it was due a packet was handed on: the link itself waited for a CPU, or a timer. */
  readonly lateMean: number;
  /** Mean difference of the delays of packets that follow each other (RFC 3393 §2.1). */
  readonly ipdv: number;
}

const FIRST_CAPACITY = 4096;
const PORTS = 0x1_0000;
const TRANSPORTS: Readonly<Record<number, string>> = { 6: 'tcp', 17: 'udp' };

/** A row of numbers that grows. */
class Column {
  values = new Float64Array(FIRST_CAPACITY);
  length = 0;

  push(value: number): void {
    if (this.length === this.values.length) {
      const larger = new Float64Array(2 * this.length);
      larger.set(this.values);
      this.values = larger;
    }
    this.values[this.length++] = value;
  }
}

/** Protocol and source port as one number; 0 for what has no ports. */
const senderOf = (packet: Uint8Array): number => {
  const isV6 = (packet[0] as number) >> 4 === 6;
  const protocol = (isV6 ? packet[6] : packet[9]) as number;
  const at = isV6 ? 40 : 4 * ((packet[0] as number) & 15);
  if (TRANSPORTS[protocol] === undefined || packet.length < at + 2) return 0;
  return protocol * PORTS + (packet[at] as number) * 256 + (packet[at + 1] as number);
};

const nameOf = (sender: number): string =>
  sender === 0 ? 'other' : `${TRANSPORTS[Math.floor(sender / PORTS)]}/${sender % PORTS}`;

const meanOf = (values: Float64Array): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(values.length, 1);

/** Remembers every packet of a direction. Microseconds. */
export class LinkRecord {
  readonly #at = new Column();
  readonly #delays = new Column();
  readonly #late = new Column();
  readonly #bytes = new Column();
  readonly #senders = new Column();
  readonly #lostAt = new Column();
  readonly #startUs: number;

  /** @param startUs when time begins */
  constructor(startUs: number) {
    this.#startUs = startUs;
  }

  onOffered(nowUs: number, taken: boolean): void {
    if (!taken) this.#lostAt.push(nowUs - this.#startUs);
  }

  onArrived(nowUs: number, { offeredUs, dueUs, bytes }: Carried): void {
    this.#at.push(nowUs - this.#startUs);
    this.#delays.push(nowUs - offeredUs);
    this.#late.push(nowUs - dueUs);
    this.#bytes.push(bytes.length);
    this.#senders.push(senderOf(bytes));
  }

  /** @param fromUs since time began @param toUs not included */
  report(fromUs: number, toUs: number): LinkReport {
    const at = this.#at.values;
    let [first, last] = [0, 0];
    while (first < this.#at.length && (at[first] as number) < fromUs) first++;
    for (last = first; last < this.#at.length && (at[last] as number) < toUs; last++);
    const delays = this.#delays.values.slice(first, last);
    const sorted = delays.slice().sort();
    const bytes: Record<string, number> = {};
    for (let i = first; i < last; i++) {
      const sender = nameOf(this.#senders.values[i] as number);
      bytes[sender] = (bytes[sender] ?? 0) + (this.#bytes.values[i] as number);
    }
    let lost = 0;
    for (let i = 0; i < this.#lostAt.length; i++) {
      const when = this.#lostAt.values[i] as number;
      if (when >= fromUs && when < toUs) lost++;
    }
    let variation = 0;
    for (let i = 1; i < delays.length; i++) variation += Math.abs((delays[i] as number) - (delays[i - 1] as number));
    const arrived = delays.length;
    return {
      seconds: (toUs - fromUs) / 1e6,
      bytes,
      arrived,
      lost,
      delayMean: meanOf(delays),
      delayP99: sorted[Math.max(Math.ceil(0.99 * arrived) - 1, 0)] ?? 0,
      lateMean: meanOf(this.#late.values.subarray(first, last)),
      ipdv: variation / Math.max(arrived - 1, 1),
    };
  }
}
