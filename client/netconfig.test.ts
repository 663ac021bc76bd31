import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Prefix, parsePrefix } from '#protocol/ip/text.ts';
import { ConnectFailure } from './failure.ts';
import { beginNetConfig, type Ip } from './netconfig.ts';

const prefix = (text: string): Prefix => parsePrefix(text) as Prefix;
const BOTH = [prefix('10.64.0.2/32'), prefix('fd00:1::2/128')];

const setUp = (t: TestContext) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-net-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const ran: string[] = [];
  const ip: Ip = async (args) => void ran.push(args.join(' '));
  return { folder, ran, ip };
};

test('addresses, MTU and routes are set once, changed when they change', async (t) => {
  const { folder, ran, ip } = setUp(t);
  const net = await beginNetConfig(folder, 'cb0', false, ip);
  for (let i = 0; i < 2; i++) {
    await net.setMtu(1400);
    await net.setAddresses(BOTH);
    await net.addRoutes([prefix('10.64.0.0/10'), prefix('fd00:1::/48')]);
  }
  assert.deepEqual(ran, [
    'link set dev cb0 mtu 1400',
    'address replace 10.64.0.2/32 dev cb0',
    'address replace fd00:1::2/128 dev cb0 nodad',
    'link set dev cb0 up',
    '-4 route replace 10.64.0.0/10 dev cb0',
    '-6 route replace fd00:1::/48 dev cb0',
  ]);
  ran.length = 0;
  await net.setAddresses([prefix('10.64.0.3/32'), BOTH[1] as Prefix]);
  assert.deepEqual(ran, ['address del 10.64.0.2/32 dev cb0', 'address replace 10.64.0.3/32 dev cb0']);
});

test('everything into the tunnel: rules around our own packets, a family without address is cut off', async (t) => {
  const { folder, ran, ip } = setUp(t);
  const net = await beginNetConfig(folder, 'cb0', true, ip);
  await net.routeEverything(BOTH.slice(0, 1), true);
  assert.deepEqual(ran, [
    '-4 route replace default dev cb0 table 51965',
    '-4 rule add pref 31965 table main suppress_prefixlength 0',
    '-4 rule add pref 31966 not fwmark 0xcb1d table 51965',
    '-6 route replace unreachable default table 51965',
    '-6 rule add pref 31965 table main suppress_prefixlength 0',
    '-6 rule add pref 31966 not fwmark 0xcb1d table 51965',
  ]);
  ran.length = 0;
  await net.routeEverything(BOTH, true);
  assert.deepEqual(ran, [
    '-4 route replace default dev cb0 table 51965',
    '-6 route replace default dev cb0 table 51965',
  ]);
  ran.length = 0;
  await net.undo();
  assert.deepEqual(ran, [
    '-6 rule del pref 31966 not fwmark 0xcb1d table 51965',
    '-6 rule del pref 31965 table main suppress_prefixlength 0',
    '-6 route flush table 51965',
    '-4 rule del pref 31966 not fwmark 0xcb1d table 51965',
    '-4 rule del pref 31965 table main suppress_prefixlength 0',
    '-4 route flush table 51965',
  ]);
  assert.deepEqual(readdirSync(folder), []);
});

test('who gives tokens is reached outside of the tunnel, each place once', async (t) => {
  const { folder, ran, ip } = setUp(t);
  const net = await beginNetConfig(folder, 'cb0', true, ip);
  const places = [
    { address: '192.0.2.7', port: 443 },
    { address: '2001:db8::7', port: 9443 },
  ];
  for (let i = 0; i < 2; i++) await net.keepOutside(places);
  assert.deepEqual(ran, [
    '-4 rule add pref 31964 to 192.0.2.7/32 ipproto tcp dport 443 table main',
    '-6 rule add pref 31964 to 2001:db8::7/128 ipproto tcp dport 9443 table main',
  ]);
  ran.length = 0;
  await net.undo();
  assert.equal(ran.filter((line) => / rule del pref 31964 to /.test(line)).length, 2);
});

test('what fails when it is taken back does not keep the rest from it', async (t) => {
  const { folder, ran } = setUp(t);
  const ip: Ip = async (args) => {
    ran.push(args.join(' '));
    if (args.includes('del') || args.includes('flush')) throw new ConnectFailure('gone already');
  };
  const net = await beginNetConfig(folder, 'cb0', true, ip);
  await net.routeEverything(BOTH, false);
  ran.length = 0;
  await net.undo();
  assert.equal(ran.length, 3);
});

test('a journal of a dead process is carried out, cut anywhere; a live one refuses us', async (t) => {
  const { folder, ran, ip } = setUp(t);
  const net = await beginNetConfig(folder, 'cb0', true, ip);
  await net.routeEverything(BOTH, false);
  const [name = ''] = readdirSync(folder);
  const file = path.join(folder, name);
  await assert.rejects(beginNetConfig(folder, 'cb1', true, ip), /has the tunnel cb0 already/);
  await assert.rejects(beginNetConfig(folder, 'cb0', false, ip), /has the tunnel cb0 already/);
  await beginNetConfig(folder, 'cb2', false, ip);
  const text = readFileSync(file, 'utf8').replace(`"pid":${process.pid}`, '"pid":4194305');
  for (const cut of [text.length, text.length - 5, 30, 0]) {
    writeFileSync(file, text.slice(0, cut));
    ran.length = 0;
    await beginNetConfig(folder, 'cb3', false, ip).catch(() => {});
    assert.equal(readdirSync(folder).includes(name), false, `${cut}`);
    assert.equal(ran.length, cut === text.length ? 3 : cut > 30 ? 2 : 0, `${cut}`);
    rmSync(path.join(folder, name.replace('cb0', 'cb3')), { force: true });
  }
  // A journal of another network namespace or another boot is none of ours, and neither is one by the inode alone.
  const inode = readlinkSync('/proc/self/ns/net').replaceAll(/\D/g, '');
  const boots = ['0', '1', '2'].filter((digit) => digit !== name[0]).map((digit) => digit + name.slice(1));
  for (const foreign of [name.replace('-cb0', '0-cb0'), ...boots, `${inode}-cb0.jsonl`]) {
    appendFileSync(path.join(folder, foreign), text);
    ran.length = 0;
    await beginNetConfig(folder, 'cb3', false, ip);
    assert.equal(ran.length, 0, foreign);
    rmSync(path.join(folder, name.replace('cb0', 'cb3')));
  }
});
