/** What went through one direction of a link in a stretch of time. Delays in microseconds. */
export interface LinkReport {
  readonly seconds: number;
  /** IP bytes that arrived, by protocol. */
  readonly udpBytes: number;
  readonly tcpBytes: number;
  readonly arrived: number;
  /** Packets that did not: the queue was full, or they were dropped on the way. */
  readonly lost: number;
  /** From when a packet came to when it was handed on: queue, transmission, propagation. */
  readonly delayMean: number;
  readonly delayP99: number;
  /** Mean difference of the delays of packets that follow each other (RFC 3393 §2.1). */
  readonly ipdv: number;
}

const FIRST_CAPACITY = 4096;
const UDP = 17;
const TCP = 6;

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

const protocolOf = (packet: Uint8Array): number => ((packet[0] as number) >> 4 === 6 ? packet[6] : packet[9]) as number;

/** Remembers every packet of a direction. Microseconds. */
export class LinkRecord {
  readonly #at = new Column();
  readonly #delays = new Column();
  readonly #bytes = new Column();
  readonly #protocols = new Column();
  readonly #lostAt = new Column();
  readonly #startUs: number;

  /** @param startUs when time begins */
  constructor(startUs: number) {
    this.#startUs = startUs;
  }

  onOffered(nowUs: number, taken: boolean): void {
    if (!taken) this.#lostAt.push(nowUs - this.#startUs);
  }

  onArrived(nowUs: number, offeredUs: number, packet: Uint8Array): void {
    this.#at.push(nowUs - this.#startUs);
    this.#delays.push(nowUs - offeredUs);
    this.#bytes.push(packet.length);
    this.#protocols.push(protocolOf(packet));
  }

  /** @param fromUs since time began @param toUs not included */
  report(fromUs: number, toUs: number): LinkReport {
    const at = this.#at.values;
    let [first, last] = [0, 0];
    while (first < this.#at.length && (at[first] as number) < fromUs) first++;
    for (last = first; last < this.#at.length && (at[last] as number) < toUs; last++);
    const delays = this.#delays.values.slice(first, last);
    const sorted = delays.slice().sort();
    const carried = (protocol: number): number => {
      let bytes = 0;
      for (let i = first; i < last; i++) {
        if (this.#protocols.values[i] === protocol) bytes += this.#bytes.values[i] as number;
      }
      return bytes;
    };
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
      udpBytes: carried(UDP),
      tcpBytes: carried(TCP),
      arrived,
      lost,
      delayMean: delays.reduce((sum, delay) => sum + delay, 0) / Math.max(arrived, 1),
      delayP99: sorted[Math.max(Math.ceil(0.99 * arrived) - 1, 0)] ?? 0,
      ipdv: variation / Math.max(arrived - 1, 1),
    };
  }
}
