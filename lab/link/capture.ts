import { closeSync, openSync, writeSync } from 'node:fs';
import { udpOf } from './udp.ts';

/** https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-04.txt: microseconds, packets that begin with their IP header. */
const MAGIC = 0xa1b2c3d4;
const LINKTYPE_RAW = 101;
const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
const MAX_PACKET_BYTES = 65_535;
/** Enough for all headers of what is encrypted anyway. */
const SHORT_BYTES = 128;
const KEPT_BYTES = 1 << 20;

/** Long headers of QUIC come with keys that an observer can derive: these packets are kept whole. */
const isLongHeader = (packet: Uint8Array): boolean => {
  const udp = udpOf(packet);
  return udp >= 0 && ((packet[udp + 8] ?? 0) & 0x80) !== 0;
};

/** What passes one end of a link, both ways, as a pcap file. */
export class Capture {
  readonly #file: number;
  #kept = Buffer.alloc(KEPT_BYTES);
  #used = FILE_HEADER_BYTES;

  constructor(path: string) {
    this.#file = openSync(path, 'w');
    this.#kept.writeUInt32LE(MAGIC, 0);
    this.#kept.writeUInt16LE(2, 4);
    this.#kept.writeUInt16LE(4, 6);
    this.#kept.writeUInt32LE(MAX_PACKET_BYTES, 16);
    this.#kept.writeUInt32LE(LINKTYPE_RAW, 20);
  }

  /** @param nowUs of any clock that goes on steadily */
  add(nowUs: number, packet: Uint8Array): void {
    const bytes = isLongHeader(packet) ? packet.length : Math.min(packet.length, SHORT_BYTES);
    if (this.#used + RECORD_HEADER_BYTES + bytes > KEPT_BYTES) this.#write();
    const at = this.#used;
    this.#kept.writeUInt32LE(Math.floor(nowUs / 1e6), at);
    this.#kept.writeUInt32LE(Math.floor(nowUs % 1e6), at + 4);
    this.#kept.writeUInt32LE(bytes, at + 8);
    this.#kept.writeUInt32LE(packet.length, at + 12);
    this.#kept.set(packet.subarray(0, bytes), at + RECORD_HEADER_BYTES);
    this.#used = at + RECORD_HEADER_BYTES + bytes;
  }

  #write(): void {
    writeSync(this.#file, this.#kept, 0, this.#used);
    this.#used = 0;
  }

  close(): void {
    this.#write();
    closeSync(this.#file);
  }
}
