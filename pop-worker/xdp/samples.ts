import type { BpfMap } from '#host/bpf/map.ts';
import { RingReader } from '#host/bpf/ring.ts';
import type { PacketSample } from '#pop-worker/defence/sample.ts';
import { MAPS, PacketFlags, Sample, Sampled, Sampling } from './gen/front.ts';

const MOST_EVERY = 2 ** 32 - 1;
const TCP = 6;
const UDP = 17;
const FIRST = new Uint8Array(4);
const IPV4_BYTES = 4;

const AT = Sample.places;

/** A packet as the program saw it. By hand, as there are thousands a second. */
const sampleOf = (record: Uint8Array): PacketSample => {
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
  const flags = record[AT.flags.at] as number;
  const protocol = record[AT.protocol.at] as number;
  const addressBytes = (flags & PacketFlags.v6) === 0 ? IPV4_BYTES : AT.source.bytes;
  const payload = AT.payload.at;
  return {
    timeNs: Number(view.getBigUint64(AT.time.at, true)),
    source: record.slice(AT.source.at, AT.source.at + addressBytes),
    target: record.slice(AT.target.at, AT.target.at + addressBytes),
    sourcePort: view.getUint16(AT.sourcePort.at),
    targetPort: view.getUint16(AT.targetPort.at),
    protocol,
    bytes: view.getUint32(AT.bytes.at, true),
    every: view.getUint32(AT.every.at, true),
    isFragment: (flags & PacketFlags.fragment) !== 0,
    hasPorts: (protocol === TCP || protocol === UDP) && (flags & PacketFlags.laterFragment) === 0,
    tcpFlags: record[AT.tcpFlags.at] as number,
    hops: record[AT.hops.at] as number,
    icmpType: record[AT.icmpType.at] as number,
    outcome: record[AT.outcome.at] as number,
    payload: record.slice(payload, payload + (record[AT.payloadBytes.at] as number)),
  };
};

/** Packets that the program shows, one of so many. */
export class Samples {
  readonly #reader: RingReader;
  readonly #wanted: Uint32Array;
  readonly #sampled: BpfMap;

  /** @param map of the program; they stay its owner's */
  constructor(map: (name: 'samples' | 'sampling' | 'sampled') => BpfMap) {
    this.#reader = new RingReader(map('samples').ring(), MAPS.samples.most);
    this.#wanted = new Uint32Array(map('sampling').memory(), Sampling.places.every.at, 1);
    this.#sampled = map('sampled');
  }

  /** One of so many packets; 0: none. */
  get every(): number {
    return this.#wanted[0] as number;
  }

  /** In force from the next packet on. @throws RangeError */
  set every(every: number) {
    if (!Number.isInteger(every) || every < 0 || every > MOST_EVERY) throw new RangeError(`one of ${every} packets`);
    this.#wanted[0] = every;
  }

  /** @param most that are shown; the rest waits @returns how many were shown */
  read(show: (sample: PacketSample) => void, most?: number): number {
    return this.#reader.read((record) => show(sampleOf(record)), most);
  }

  /** Samples since the program was loaded; `lost`: that found no room. */
  counts(): { readonly taken: number; readonly lost: number } {
    const values = new Uint8Array(this.#sampled.valueBytes);
    this.#sampled.lookup(FIRST, values);
    const counts = { taken: 0, lost: 0 };
    for (let at = 0; at < values.length; at += Sampled.bytes) {
      const { taken, lost } = Sampled.read(values, at);
      counts.taken += taken;
      counts.lost += lost;
    }
    return counts;
  }
}
