import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { announcedWorld } from './testing/announced-world.ts';
import { deviceOf, INTERNET4, INTERNET6, needsNamespaces, type TestDevice, type World } from './testing/world.ts';

const REPAIRS = (what: string) => `cloudbridge_network_repairs_total{what="${what}"}`;
const WITHDRAWALS = 'cloudbridge_anycast_withdrawals_total{cause="check"}';
/** As docs/failover.md says. */
const MENDED_MS = 2000;
/** What is put back before so many questions went unanswered costs no withdrawal: on a busy machine three are soon over. */
const PATIENT = '[checks]\nanswer_failures = 100';

/** Pings again and again until an answer came. @returns how long that took, in milliseconds */
const reaches = async (world: World, { namespace }: TestDevice, address: string): Promise<number> => {
  const start = performance.now();
  const ping = `ping -c 1 -W 1 ${address} >/dev/null && echo yes || true`;
  await world.until(`${address} answers`, async () => (await world.exec(namespace, 'sh', '-c', ping)).includes('yes'));
  return performance.now() - start;
};

test('what others take away of the TUN, its routes, nftables and forwarding is put back', {
  skip: needsNamespaces,
}, async (t) => {
  const { world, status } = await announcedWorld(t, { sections: { top: PATIENT } });
  const inside = (...words: string[]) => world.exec(world.workerNamespace, ...words);
  const device = await world.connect(deviceOf('red', 2));
  await device.reports.of('up');
  await reaches(world, device, INTERNET4);
  await reaches(world, device, INTERNET6);
  const rounds: [words: string[], what: string][] = [
    [['ip', 'link', 'set', 'cbtun', 'down'], 'link'],
    [['ip', 'route', 'delete', '100.64.0.0/16', 'dev', 'cbtun'], 'routes'],
    [['ip', '-6', 'route', 'delete', 'fd00:1::/48', 'dev', 'cbtun'], 'routes'],
    [['sysctl', '-qw', 'net.ipv4.ip_forward=0'], 'forwarding'],
    [['sysctl', '-qw', 'net.ipv6.conf.all.forwarding=0'], 'forwarding'],
    [['nft', 'flush', 'ruleset'], 'nftables'],
    [['nft', 'flush', 'chain', 'inet', 'cloudbridge_w1', 'postrouting'], 'nftables'],
  ];
  for (const [words, what] of rounds) {
    const before = await world.metric(REPAIRS(what));
    await inside(...words);
    await world.until(words.join(' '), async () => (await world.metric(REPAIRS(what))) > before);
    assert.ok((await reaches(world, device, INTERNET4)) < MENDED_MS, words.join(' '));
    assert.ok((await reaches(world, device, INTERNET6)) < MENDED_MS, words.join(' '));
  }
  assert.match(await inside('ip', 'route'), /^100\.64\.0\.0\/16 dev cbtun proto 203/m);
  assert.match(await inside('nft', 'list', 'table', 'inet', 'cloudbridge_w1'), /elements = \{ fd00:1::\/48/);
  assert.equal((await status()).state, 'announced');
  assert.equal(await world.metric(WITHDRAWALS), 0, 'each was put back before it counted');
  assert.equal(await world.metric('cloudbridge_network_failed_repairs_total'), 0);
});

test('what is not the worker’s to mend withdraws it, and says what does not come through', {
  skip: needsNamespaces,
}, async (t) => {
  const { world, status, becomes, told } = await announcedWorld(t);
  const nft = (rules: string) => world.exec(world.workerNamespace, 'nft', rules);
  await nft('add table inet firewall');
  await nft('add chain inet firewall forward { type filter hook forward priority 0; policy accept; }');
  await nft('add rule inet firewall forward meta nfproto ipv6 iifname "cbtun" drop');
  await becomes('failed');
  const failed = (await status()).checks.find(({ name }) => name === 'forwarding');
  assert.equal(failed?.reason, 'packets do not come back through cbtun within 200 ms: IPv6');
  await world.until('it is withdrawn', async () => (await told())['192.0.2.0/24'] === undefined);
  await nft('delete table inet firewall');
  await becomes('announced');
});

test('what the worker may not put back withdraws it, until somebody else has', { skip: needsNamespaces }, async (t) => {
  const { world, status, becomes, told } = await announcedWorld(t);
  const forward = (isOn: 0 | 1) => world.exec(world.workerNamespace, 'sysctl', '-qw', `net.ipv4.ip_forward=${isOn}`);
  const readOnly = 'mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys';
  execFileSync('nsenter', ['-t', `${world.worker?.pid}`, '-m', 'sh', '-c', readOnly]);
  await forward(0);
  await becomes('failed');
  await world.until('it is withdrawn', async () => (await told())['192.0.2.0/24'] === undefined);
  await world.until('why', async () => {
    const { reason = '' } = (await status()).checks.find(({ name }) => name === 'forwarding') ?? {};
    return /through cbtun .*IPv4; the kernel's forwarding cannot be turned on \(EROFS\): run `sysctl -w/.test(reason);
  });
  assert.ok((await world.metric('cloudbridge_network_failed_repairs_total')) >= 2);
  await forward(1);
  await becomes('announced');
});

const KINDS: Readonly<Record<string, NonNullable<Parameters<typeof announcedWorld>[1]>['sections']>> = {
  'with two data-plane threads': { listen: 'threads = 2' },
  'that does not translate': { tun: 'masquerade = false' },
  'that routes IPv6': { tun: 'routed6 = true' },
  'that translates by itself': { top: '[nat44]\nown = ["203.0.113.64/28"]' },
};
for (const [kind, sections] of Object.entries(KINDS)) {
  test(`a worker ${kind} is announced, and packets come through it`, { skip: needsNamespaces }, async (t) => {
    const { world, becomes, status } = await announcedWorld(t, {
      sections: { ...sections, top: `${sections?.top ?? ''}\n${PATIENT}` },
    });
    const before = (await status()).checks.find(({ name }) => name === 'forwarding');
    assert.deepEqual(before, { name: 'forwarding', state: 'holds', reason: '' });
    await world.exec(world.workerNamespace, 'nft', 'delete', 'table', 'inet', world.table);
    await world.until('the table is back', async () => (await world.metric(REPAIRS('nftables'))) === 1);
    await world.exec(world.workerNamespace, 'ip', 'link', 'set', 'cbtun', 'down');
    await world.until('the link is back', async () => (await world.metric(REPAIRS('link'))) === 1);
    await becomes('announced');
    assert.equal(await world.metric(WITHDRAWALS), 0);
  });
}
