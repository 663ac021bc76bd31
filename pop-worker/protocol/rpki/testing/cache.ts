/** What a cache sends, PDU by PDU; and a client in virtual time. */

import { writeU32 } from '#protocol/bgp/wire/bytes.ts';
import { parsePrefix } from '#protocol/ip/text.ts';
import { RtrClient, type RtrOutput } from '../client.ts';
import type { RtrIntervals } from '../wire/end-of-data.ts';
import { newPdu, PduType } from '../wire/pdu.ts';

export const KEY = { k0: 5, k1: 6 };

export const join = (...pdus: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(pdus));

export const response = (version: number, session = 7): Uint8Array =>
  newPdu(version, PduType.cacheResponse, session, 8);
export const cacheReset = (version: number): Uint8Array => newPdu(version, PduType.cacheReset, 0, 8);

export const notify = (version: number, serial: number, session = 7): Uint8Array => {
  const pdu = newPdu(version, PduType.serialNotify, session, 12);
  writeU32(pdu, 8, serial);
  return pdu;
};

/** @param text `192.0.2.0/24-26 64500`, with `-` in front when it is withdrawn */
export const roa = (version: number, text: string): Uint8Array => {
  const [prefix = '', as] = text.replace(/^-/, '').split(' ');
  const [range = '', most] = prefix.split('-');
  const { address, length } = parsePrefix(range)!;
  const isIpv4 = address.length === 4;
  const pdu = newPdu(version, isIpv4 ? PduType.ipv4Prefix : PduType.ipv6Prefix, 0, 16 + address.length);
  pdu.set([text.startsWith('-') ? 0 : 1, length, Number(most ?? length), 0, ...address], 8);
  writeU32(pdu, 12 + address.length, Number(as));
  return pdu;
};

export const end = (
  version: number,
  serial: number,
  { session = 7, refresh = 60, retry = 5, expire = 600 } = {},
): Uint8Array => {
  const pdu = newPdu(version, PduType.endOfData, session, version === 0 ? 12 : 24);
  writeU32(pdu, 8, serial);
  if (version === 0) return pdu;
  writeU32(pdu, 12, refresh);
  writeU32(pdu, 16, retry);
  writeU32(pdu, 20, expire);
  return pdu;
};

export const report = (version: number, code: number, text = ''): Uint8Array => {
  const pdu = newPdu(version, PduType.errorReport, code, 16 + text.length);
  writeU32(pdu, 12, text.length);
  pdu.set(Buffer.from(text), 16);
  return pdu;
};

/** A client, what it has done, and what it has told. */
export class Bench {
  now = 0;
  changes = 0;
  readonly failures: string[] = [];
  readonly client: RtrClient;

  /** @param intervals of our own */
  constructor(intervals?: RtrIntervals) {
    const failed = (text: string): void => void this.failures.push(text);
    this.client = new RtrClient(KEY, { changed: () => this.changes++, failed }, intervals);
  }

  /** @returns what is to be done now: `connect`, `close`, or the bytes that are sent */
  done(): string[] {
    const done: string[] = [];
    const out: RtrOutput = { action: 'close', bytes: new Uint8Array(0) };
    while (this.client.poll(this.now, out))
      done.push(out.action === 'send' ? Buffer.from(out.bytes).toString('hex') : out.action);
    return done;
  }

  connect(): string[] {
    const asked = this.done();
    this.client.handle({ type: 'connected' }, this.now);
    return [...asked, ...this.done()];
  }

  take(...pdus: readonly Uint8Array[]): string[] {
    this.client.handle({ type: 'bytes', bytes: join(...pdus) }, this.now);
    return this.done();
  }

  close(): string[] {
    this.client.handle({ type: 'closed' }, this.now);
    return this.done();
  }

  /** Seconds pass. */
  wait(seconds: number): string[] {
    this.now += seconds * 1e6;
    this.client.handle({ type: 'tick' }, this.now);
    return this.done();
  }

  /** @param text `192.0.2.0/24 64500` */
  state(text: string): number {
    const [prefix = '', as] = text.split(' ');
    const { address, length } = parsePrefix(prefix)!;
    const words = new Uint32Array(4);
    for (const [i, byte] of address.entries()) words[i >> 2] = (words[i >> 2]! << 8) | byte;
    return this.client.table.state(address.length === 4 ? 32 : 128, words, length, Number(as));
  }
}
