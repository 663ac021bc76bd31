import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { readBtf } from './btf.ts';
import { bindingsFile, objectNames, sourcesDigest } from './build.ts';
import { elfSections, elfSymbols } from './elf.ts';

const gen = (name: string): Uint8Array => readFileSync(new URL(`../../bpf/gen/${name}`, import.meta.url));

test('what is in bpf/gen was made from what is in bpf/', () => {
  const built = new TextDecoder().decode(gen('sources.sha256')).trim();
  assert.equal(built, sourcesDigest(), 'run `node scripts/bpf/build.ts`');
});

test('what pop-worker/xdp/gen says of the objects in bpf/gen is what they say', () => {
  for (const name of objectNames()) {
    const written = readFileSync(new URL(`../../pop-worker/xdp/gen/${name}.ts`, import.meta.url), 'utf8');
    assert.equal(written, bindingsFile(name), `${name}: run \`node scripts/bpf/build.ts\``);
  }
});

test('an object tells its types, maps and symbols', () => {
  const sections = elfSections(gen('front.o'));
  const types = readBtf(sections.get('.BTF') as Uint8Array);
  const named = (kind: string) => types.flatMap((type) => (type.kind === kind && 'name' in type ? [type.name] : []));
  assert.ok(named('struct').includes('settings') && named('enum').includes('counter'));
  assert.ok(named('section').includes('.maps'));
  assert.ok(elfSymbols(sections).has('settings'));
});

test('no path of a machine is in an object', () => {
  for (const name of ['front.o', 'bench.o', 'decap.o'])
    assert.doesNotMatch(new TextDecoder('latin1').decode(gen(name)), /\/(work|home|root|tmp)\//);
});

test('what is no object is refused', () => {
  assert.throws(() => elfSections(new Uint8Array(64)), /no ELF object/);
  assert.throws(() => readBtf(new Uint8Array(64)), /no BTF/);
  assert.throws(() => elfSymbols(new Map()), /without symbols/);
});
