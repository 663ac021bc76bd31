// What typical request and response heads cost in QPACK. Prints only.
// usage: node bench/micro/qpack.ts [seconds a case]
import { performance } from 'node:perf_hooks';
import type { Fields } from '#protocol/qpack/field.ts';
import { FieldSectionDecoder } from '#protocol/qpack/section-decoder.ts';
import { encodeFieldSection, fieldSectionBound } from '#protocol/qpack/section-encoder.ts';

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
for (const [name, section] of Object.entries(SECTIONS)) {
  const out = new Uint8Array(fieldSectionBound(section));
  const bytes = encodeFieldSection(section, out, 0);
  const plain = section.reduce((sum, field) => sum + field.name.length + field.value.length, 0);
  const encodeNs = measure(seconds, () => encodeFieldSection(section, out, 0));
  const decodeNs = measure(seconds, () => decoder.decode(out, 0, bytes));
  const size = `${plain} → ${bytes} bytes`.padEnd(18);
  const ns = (value: number): string => value.toFixed(0).padStart(6);
  process.stdout.write(`${name.padEnd(20)} ${size} encode ${ns(encodeNs)} ns  decode ${ns(decodeNs)} ns\n`);
}
