import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { wireguardTools } from '#scripts/setup/debian-peers.mjs';
import { until } from '../../bgp/until.ts';
import { withScene } from '../scene.ts';
import type { Proof } from './proof.ts';

const MAIN = fileURLToPath(new URL('../../../cli/main.ts', import.meta.url));

/** A file as `wg-quick` has it makes an interface of ours, in the background, and takes it away again. */
export const quick: Proof = (name) =>
  withScene(name, async ({ ours, theirs }) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-quick-'));
    const device = `cwq${process.pid}`;
    const { programs } = await wireguardTools();
    try {
      const program = path.join(folder, 'wireguard');
      writeFileSync(program, `#!/bin/sh\nexec ${process.execPath} ${MAIN} wireguard run "$1"\n`);
      chmodSync(program, 0o755);
      const file = path.join(folder, `${device}.conf`);
      const lines = [
        ...['[Interface]', `PrivateKey = ${ours.keys.privateKey}`, 'ListenPort = 5009', 'MTU = 1380'],
        ...['Address = 10.77.0.2/24, fd77::2/64', '[Peer]', `PublicKey = ${theirs.keys.publicKey}`],
        ...['AllowedIPs = 10.77.0.0/24, 198.51.100.0/24, fd77::/64', 'Endpoint = 192.0.2.1:5002', ''],
      ];
      writeFileSync(file, lines.join('\n'), { mode: 0o600 });
      await theirs.configure(
        `[Interface]\nPrivateKey = ${theirs.keys.privateKey}\nListenPort = 5002\n[Peer]\nPublicKey = ${ours.keys.publicKey}\nAllowedIPs = 10.77.0.2/32, fd77::2/128\n`,
      );
      await theirs.ip(`address add 10.77.0.1/24 dev ${theirs.end.name}`);
      await theirs.ip(`address add fd77::1/64 dev ${theirs.end.name} nodad`);
      await theirs.ip('address add 198.51.100.1/32 dev lo');
      const wgQuick = (what: 'up' | 'down'): Promise<string> => {
        const found = `PATH=${path.dirname(programs.wg)}:${process.env['PATH']}`;
        const words = [
          'env',
          found,
          `WG_QUICK_USERSPACE_IMPLEMENTATION=${program}`,
          'bash',
          programs['wg-quick'],
          what,
          file,
        ];
        return ours.place.run(words);
      };
      await wgQuick('up');
      try {
        for (const to of ['10.77.0.1', '198.51.100.1', 'fd77::1']) assert.equal(await ours.ping(to), 3, to);
        const link = await ours.place.run(['ip', 'link', 'show', device]);
        assert.match(link, /mtu 1380/);
      } finally {
        await wgQuick('down');
      }
      await until('it has ended', () => !existsSync(`/var/run/wireguard/${device}.sock`));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
