import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { DESCRIPTION } from '#protocol/dns/testing/zone.ts';
import { dnsPeers } from '#scripts/setup/debian-peers.mjs';
import { PeerMissing } from '#scripts/setup/peer-parts.mjs';
import { DnsRunner } from './runner.ts';

const run = promisify(execFile);

const peers = await dnsPeers().catch((error: unknown) => {
  if (error instanceof PeerMissing) return error.message;
  throw error;
});
const skip = typeof peers === 'string' ? peers : false;

type Dig = (...args: readonly string[]) => Promise<string>;

/** BIND's dig, asking a server that serves the zone of the tests. */
const digging = async (t: TestContext): Promise<{ dig: Dig; runner: DnsRunner }> => {
  if (typeof peers === 'string') throw new Error(peers);
  const secret = new Uint8Array(16).fill(3);
  const runner = new DnsRunner({ cookieSecret: secret, limitSecret: secret, perSecond: 0 }, () => {});
  t.after(() => runner.close());
  const [port] = await runner.listen([{ address: '127.0.0.1', port: 0 }]);
  runner.setZones([DESCRIPTION]);
  const env = { ...process.env, LD_LIBRARY_PATH: peers.libraries };
  // Without ~/.digrc.
  const always = ['-r', '@127.0.0.1', '-p', String(port), '+norecurse', '+tries=1', '+timeout=5'];
  return { runner, dig: async (...args) => (await run(peers.programs.dig, [...always, ...args], { env })).stdout };
};

test("BIND's dig: subnets of clients, cookies, versions, other letters, ANY, what there is not", {
  skip,
}, async (t) => {
  const { dig, runner } = await digging(t);
  const near = await dig('www.edge.example', 'A', '+subnet=203.0.113.0/25');
  assert.match(near, /status: NOERROR/);
  assert.match(near, /flags: qr aa;/);
  assert.match(near, /; CLIENT-SUBNET: 203\.0\.113\.0\/25\/25$/m);
  assert.match(near, /^www\.edge\.example\.\s+20\s+IN\s+A\s+198\.51\.100\.3$/m);
  assert.match(near, /; COOKIE: [0-9a-f]{16}01000000[0-9a-f]{24} \(good\)$/m);
  assert.match(
    await dig('www.edge.example', 'AAAA', '+subnet=2001:db8:1::/48'),
    /; CLIENT-SUBNET: 2001:db8:1::\/48\/48$/m,
  );
  assert.match(await dig('WwW.eDgE.eXaMpLe', 'A'), /^WwW\.eDgE\.eXaMpLe\.\s+20\s+IN\s+A\s+198\.51\.100\.1$/m);
  assert.match(await dig('edge.example', 'SOA', '+edns=7', '+noednsnegotiation'), /status: BADVERS/);
  assert.match(await dig('www.edge.example', 'ANY', '+notcp'), /ANSWER: 1,/);
  const nothing = await dig('nope.edge.example', 'A');
  assert.match(nothing, /status: NXDOMAIN/);
  assert.match(
    nothing,
    /^edge\.example\.\s+20\s+IN\s+SOA\s+ns1\.edge\.example\. hostmaster\.edge\.example\. 2026112801 /m,
  );
  assert.match(await dig('www.edge.example', 'MX'), /status: NOERROR.*\n.*ANSWER: 0, AUTHORITY: 1,/);
  assert.match(await dig('www.example.com', 'A'), /status: REFUSED/);
  assert.match(await dig('www.edge.example', 'A', '+opcode=UPDATE'), /status: NOTIMP/);
  for (const kind of ['TXT', 'DNSKEY', 'SRV', 'HTTPS']) {
    const answer = await dig('www.edge.example', kind, '+dnssec');
    assert.match(answer, /status: NOERROR/, kind);
    assert.ok(!/malformed|extra|Warning/i.test(answer), answer);
  }
  assert.equal(runner.responder.counters.malformed, 2, 'a version and an opcode that are not known');
});

test("BIND's dig: what is too long comes by TCP; several queries by one connection", { skip }, async (t) => {
  const { dig, runner } = await digging(t);
  const many = Array.from({ length: 100 }, (_, i) => `198.51.100.${i}`);
  runner.setZones([{ ...DESCRIPTION, pops: { moscow: many }, places: {} }]);
  const answer = await dig('www.edge.example', 'A');
  assert.match(answer, /ANSWER: 100,/);
  assert.match(answer, /;; SERVER: .*\(TCP\)/);
  const both = await dig('+tcp', '+keepopen', 'www.edge.example', 'A', 'edge.example', 'NS');
  assert.equal(both.match(/status: NOERROR/g)?.length, 2);
  assert.equal(runner.tcp[0]?.received, 3);
});
