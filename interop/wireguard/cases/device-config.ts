import assert from 'node:assert/strict';
import path from 'node:path';
import { wgQuick } from '#cli/wireguard/wg-quick.ts';
import { wireguardTools } from '#scripts/setup/debian-peers.mjs';
import { FILE } from '../place.ts';
import { withScene } from '../scene.ts';
import { newKeyPair, wg } from '../side.ts';
import type { Proof } from './proof.ts';

const OURS = { 4: '10.64.0.1', 6: 'fd00:64::1' } as const;
const DEVICE = { 4: '10.64.0.2', 6: 'fd00:64::2' } as const;
/** Behind the device. */
const SITE = { network: '10.64.0.128/25', host: '10.64.0.130' } as const;

/** A site's file, as `cloudbridge device config --wireguard` prints it, is all that the peer's `wg-quick` needs. */
export const deviceConfig: Proof = (name) =>
  withScene(name, async ({ ours, theirs }) => {
    const [keys, presharedKey] = [await newKeyPair(), await wg(['genpsk'])];
    const device = `cwd${process.pid}`;
    const text = wgQuick({
      ...{
        device: 'acme/site',
        privateKey: keys.privateKey,
        addresses: Object.values(DEVICE),
        networks: [SITE.network],
      },
      ...{ tenantPrefixes: ['10.64.0.0/24', 'fd00:64::/64'], everything: false, resolvers: [], mtu: 1400 },
      ...{ edgeKey: ours.keys.publicKey, presharedKey, wantsPresharedKey: true, keepaliveSeconds: 25 },
      endpoint: `${ours.end.outer[4]}:${ours.end.port}`,
    });
    const allowed = [`${DEVICE[4]}/32`, `${DEVICE[6]}/128`, SITE.network].join(', ');
    await ours.configure(
      `[Interface]\nPrivateKey = ${ours.keys.privateKey}\nListenPort = ${ours.end.port}\n[Peer]\n` +
        `PublicKey = ${keys.publicKey}\nPresharedKey = ${presharedKey}\nAllowedIPs = ${allowed}\n`,
    );
    await ours.ip(`address add ${OURS[4]}/25 dev ${ours.end.name}`);
    await ours.ip(`address add ${OURS[6]}/64 dev ${ours.end.name} nodad`);
    await ours.ip(`route add ${SITE.network} dev ${ours.end.name}`);
    const { programs } = await wireguardTools();
    const file = `/run/guest/${device}.conf`;
    const { place } = theirs;
    await place.runWithFile(['cp', FILE, file], text);
    const quick = (what: 'up' | 'down'): Promise<string> =>
      place.run([
        'sh',
        '-c',
        `PATH=${path.dirname(programs.wg)}:$PATH exec bash "$0" "$@"`,
        programs['wg-quick'],
        what,
        file,
      ]);
    await quick('up');
    await theirs.ip(`address add ${SITE.host}/32 dev lo`);
    assert.match(await place.run(['ip', '-d', 'link', 'show', device]), /mtu 1400 .*wireguard/s);
    for (const to of Object.values(DEVICE)) assert.equal(await ours.ping(to), 3, to);
    // By itself it would come from the first address of its interface, which the device knows nothing of.
    assert.equal(await ours.ping(SITE.host, { from: OURS[4] }), 3);
    for (const to of Object.values(OURS)) assert.equal(await theirs.ping(to), 3, to);
    await quick('down');
    assert.equal(await ours.ping(DEVICE[4], { seconds: 1 }), 0);
  });
