// What typical request and response heads cost in QPACK: with the static table only, and when they come again and again and
// the dynamic table has what repeats. Prints only.
// usage: node bench/micro/qpack.ts [seconds a case]
import { performance } from 'node:perf_hooks';
import { QpackDecoder } from '#protocol/qpack/decoder.ts';
import { QpackEncoder } from '#protocol/qpack/encoder.ts';
import type { Fields } from '#protocol/qpack/field.ts';
import { FieldSectionDecoder } from '#protocol/qpack/section-decoder.ts';
import { encodeFieldSection, fieldSectionBound } from '#protocol/qpack/section-encoder.ts';

const CAPACITY = 4096;

const fields = (...pairs: readonly (readonly [string, string])[]): Fields =>
  pairs.map(([name, value]) => ({ name, value }));

const SECTIONS: Readonly<Record<string, Fields>> = {
  'browser GET': fields(
    [':method', 'GET'],
    [':scheme', 'https'],
    [':authority', 'www.example.com'],
    [':path', '/articles/2026/11/anycast?ref=home'],
    ['user-agent', 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0'],
    ['accept', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'],
    ['accept-language', 'en-GB,en;q=0.5'],
    ['accept-encoding', 'gzip, deflate, br'],
    ['cookie', 'session=3f2a9c5e8b7d4f60a1c2e3d4b5f60718'],
    ['referer', 'https://www.example.com/'],
  ),
  'typical response': fields(
    [':status', '200'],
    ['content-type', 'text/html; charset=utf-8'],
    ['content-encoding', 'br'],
    ['content-length', '18233'],
    ['cache-control', 'max-age=604800'],
    ['date', 'Wed, 25 Nov 2026 13:24:00 GMT'],
    ['etag', '"5f3c-61a8b2c4d5e6f"'],
    ['vary', 'accept-encoding'],
    ['strict-transport-security', 'max-age=31536000'],
  ),
  'connect-ip request': fields(
    [':method', 'CONNECT'],
    [':protocol', 'connect-ip'],
    [':scheme', 'https'],
    [':authority', 'edge.example:443'],
    [':path', '/.well-known/masque/ip/%2A/%2A/'],
    ['capsule-protocol', '?1'],
    ['authorization', `Bearer ${'eyJhbGciOiJFZERTQSJ9.'.repeat(12)}`],
  ),
  'tunnel accepted': fields([':status', '200'], ['capsule-protocol', '?1']),
};

/** @returns nanoseconds a call, the best of five runs after a warm-up */
const measure = (seconds: number, call: () => void): number => {
  const batch = 1000;
  let best = Number.POSITIVE_INFINITY;
  for (let run = 0; run < 6; run++) {
    const start = performance.now();
    let calls = 0;
    while (performance.now() - start < (seconds * 1000) / 6) {
      for (let i = 0; i < batch; i++) call();
      calls += batch;
    }
    if (run > 0) best = Math.min(best, ((performance.now() - start) * 1e6) / calls);
  }
  return best;
};

const seconds = Number(process.argv[2] ?? 1);
const decoder = new FieldSectionDecoder();

const print = (name: string, size: string, encodeNs: number, decodeNs: number): void => {
  const ns = (value: number): string => value.toFixed(0).padStart(6);
  process.stdout.write(`${name.padEnd(20)} ${size.padEnd(26)} encode ${ns(encodeNs)} ns  decode ${ns(decodeNs)} ns\n`);
};

/** An encoder and a decoder whose tables have what repeats of the section. */
const acquainted = (section: Fields, out: Uint8Array) => {
  const encoder: QpackEncoder = new QpackEncoder({
    tableCapacity: CAPACITY,
    blockedStreams: 0,
    output: { send: (bytes) => ends.receiveInstructions(bytes, 0, bytes.length), waiting: () => 0 },
  });
  const ends: QpackDecoder = new QpackDecoder({ tableCapacity: CAPACITY, blockedStreams: 0, send: () => {} });
  encoder.start(CAPACITY, 0);
  const encode = (): number => {
    const end = encoder.encode(0, section, out, 0);
    if (out[0] !== 0) encoder.sectionAcknowledged(0);
    return end;
  };
  for (let i = 0; i < 2; i++) encode();
  encoder.insertsReceived(encoder.inserted);
  const bytes = encode();
  return {
    bytes,
    encodeNs: measure(seconds, () => void encode()),
    decodeNs: measure(seconds, () => void ends.decode(0, out, 0, bytes)),
  };
};

for (const [name, section] of Object.entries(SECTIONS)) {
  const out = new Uint8Array(fieldSectionBound(section));
  const bytes = encodeFieldSection(section, out, 0);
  const plain = section.reduce((sum, field) => sum + field.name.length + field.value.length, 0);
  const encodeNs = measure(seconds, () => encodeFieldSection(section, out, 0));
  const decodeNs = measure(seconds, () => decoder.decode(out, 0, bytes));
  print(name, `static  ${plain} → ${bytes} bytes`, encodeNs, decodeNs);
  const dynamic = acquainted(section, out);
  print('', `dynamic ${plain} → ${dynamic.bytes} bytes`, dynamic.encodeNs, dynamic.decodeNs);
}
