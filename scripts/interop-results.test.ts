import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CASES } from '#interop/bgp/cases/table.ts';
import { CASE_NAMES } from '#interop/quic/matrix.ts';
import { CASES as WIREGUARD_CASES } from '#interop/wireguard/cases/table.ts';
import { resultsIn, withResults } from './interop-results.ts';

const empty = (suite: string): string => `<!-- results of ${suite} -->\n<!-- end of results of ${suite} -->\n`;

test('lines become the table of their suite: the last of a case and peer counts, what a peer lacks is told', () => {
  const line = (name: string, peer: string, pass: boolean) => ({ suite: 'bgp', case: name, peer, pass });
  const lines = [
    line('md5', 'BIRD', false),
    line('md5', 'BIRD', true),
    line('md5', 'FRR', false),
    { suite: 'bgp', case: 'md5', peer: 'GoBGP', skipped: 'Go is missing' },
    { suite: 'wireguard', case: 'roaming', peer: 'linux', pass: true },
    { suite: 'quic', case: 'retry', peer: 'aioquic', role: 'client', result: 'passed' as const },
    { suite: 'quic', case: 'retry', peer: 'aioquic', role: 'server', result: 'failed' as const },
  ];
  const page = withResults(`# Page\n${empty('bgp')}${empty('quic')}${empty('wireguard')}`, lines);
  assert.match(resultsIn(page, 'bgp'), /\| `md5` +\| ✓ +\| skipped +\| ✗ +\|/);
  assert.match(resultsIn(page, 'bgp'), /\| `many` +\| +\| lacks +\| lacks +\|/);
  assert.match(resultsIn(page, 'quic'), /\| `retry` \| +\| +\| ✓ ✗ +\| +\| +\|/);
  assert.match(resultsIn(page, 'wireguard'), /\| `roaming` +\| +\| ✓ +\|/);
  assert.equal(withResults(page, lines), page);
});

test('a page without a place for a table is told', () => {
  assert.throws(() => withResults('# Page', [{ suite: 'bgp', case: 'md5' }]), /results of bgp/);
});

test('interop/README.md has a row for each case; else scripts/interop-results.ts writes it', () => {
  const page = readFileSync(new URL('../interop/README.md', import.meta.url), 'utf8');
  const rows = (suite: 'bgp' | 'quic' | 'wireguard'): string[] =>
    [...resultsIn(page, suite).matchAll(/^\| `([^`]+)`/gm)].map(([, name = '']) => name);
  assert.deepEqual(
    rows('bgp'),
    CASES.map(([name]) => name),
  );
  assert.deepEqual(
    rows('wireguard'),
    WIREGUARD_CASES.map(([name]) => name),
  );
  assert.deepEqual(rows('quic').toSorted(), [...CASE_NAMES].toSorted());
});
