import assert from 'node:assert/strict';
import { commandLine, type Guest } from '../../guest/guest.ts';
import { GUEST_METRICS } from '../ends.ts';
import { withOurKernel } from '../scene.ts';
import { newKeyPair, type Side, wg } from '../side.ts';
import { assertReaches } from './handshakes.ts';
import type { Proof } from './proof.ts';

const MANY = 300;

const sorted = (dump: string): readonly string[] => dump.split('\n').sort();

/** `wg` asks a socket first; where it sees none it asks the kernel. */
const dumpOfKernel = async (guest: Guest, side: Side): Promise<readonly string[]> => {
  const ask = `mount -t tmpfs none /run/wireguard && ${commandLine([await side.wgProgram(), 'show', side.end.name, 'dump'])}`;
  return sorted((await guest.run(commandLine(['unshare', '--mount', 'sh', '-c', ask]))).trim());
};

const assertToldAlike = async (guest: Guest, side: Side): Promise<void> => {
  const bySocket = sorted(await side.wg(['show', side.end.name, 'dump']));
  assert.deepEqual(bySocket, await dumpOfKernel(guest, side));
};

/** So many that no one message has them, and one with more prefixes than a message has. */
const manyPeers = async (own: Side, other: Side): Promise<string> => {
  const lines = [`[Interface]\nPrivateKey = ${own.keys.privateKey}\nListenPort = ${own.end.port}`];
  for (let i = 0; i < MANY; i++) {
    const key = Buffer.alloc(32, i & 0xff)
      .fill(1 + (i >> 8), 0, 16)
      .toString('base64');
    lines.push(`[Peer]\nPublicKey = ${key}\nAllowedIPs = 10.50.${i >> 8}.${i & 255}/32, fd50::${i.toString(16)}/128`);
    lines.push(`PersistentKeepalive = ${i}\nEndpoint = [2001:db8::${i.toString(16)}]:${1000 + i}`);
  }
  const prefixes = Array.from({ length: 1200 }, (_, i) => `10.60.${i >> 8}.${i & 255}/32`);
  lines.push(
    `[Peer]\nPublicKey = ${other.keys.publicKey}\nAllowedIPs = ${other.end.inner[4]}/32, ${prefixes.join(', ')}`,
  );
  return `${lines.join('\n')}\n`;
};

/** By the shell: another Node would take a while where all is emulated. */
const figures = (guest: Guest): Promise<string> => {
  const [host, port] = GUEST_METRICS.split(':');
  const ask = `exec 3<>/dev/tcp/${host}/${port}; printf 'GET /metrics HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3`;
  return guest.run(commandLine(['bash', '-c', ask]));
};

const figure = (text: string, series: string): number =>
  Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`cloudbridge_wireguard_${series} `))
      ?.split(' ')[1] ?? -1,
  );

const assertCounted = async (guest: Guest, side: Side): Promise<void> => {
  const text = await figures(guest);
  const [received = -1, sent = -1] = (await side.ofPeer('transfer')).split(' ').map(Number);
  assert.equal(figure(text, 'bytes_total{direction="received"}'), received);
  assert.equal(figure(text, 'bytes_total{direction="sent"}'), sent);
  assert.equal(figure(text, 'peers{state="configured"}'), 1);
  assert.equal(figure(text, 'peers{state="in_session"}'), 1);
};

/** `wireguard run --kernel`: what the socket says and changes is what the kernel has, and its packets get through. */
export const kernel: Proof = () =>
  withOurKernel(async (scene, guest) => {
    const { ours, theirs } = scene;
    const presharedKey = await wg(['genpsk']);
    await scene.configure({ over: 4, presharedKey }, { presharedKey, keepaliveS: 25 });
    await assertReaches(scene);
    await assertToldAlike(guest, theirs);
    await assertCounted(guest, theirs);
    // Another preshared key, prefixes that are replaced, a peer that comes and goes.
    await theirs.set(`peer ${ours.keys.publicKey} preshared-key FILE`, await wg(['genpsk']));
    await theirs.set(`peer ${ours.keys.publicKey} allowed-ips 10.9.0.0/24,fd09::/64 persistent-keepalive off`);
    await theirs.set(`peer ${(await newKeyPair()).publicKey} allowed-ips 10.9.0.3/32`);
    await assertToldAlike(guest, theirs);
    assert.equal((await theirs.show('peers')).split('\n').length, 2);
    await theirs.configure(await manyPeers(theirs, ours));
    await assertToldAlike(guest, theirs);
    assert.equal((await theirs.show('peers')).split('\n').length, MANY + 1);
    // What the kernel refuses is told by its errno, and what it has goes on.
    await guest.run('ip link add wgother type wireguard\nip link set wgother up');
    await theirs.set('fwmark 0x51820');
    const { port } = theirs.end;
    await guest.run(commandLine([await theirs.wgProgram(), 'set', 'wgother', 'listen-port', '5999']));
    await assert.rejects(theirs.set('listen-port 5999'), /Address already in use/);
    assert.equal(await theirs.show('fwmark'), '0x51820');
    await theirs.set(`listen-port ${port}`);
    assert.equal(await theirs.ping(ours.end.inner[4]), 0, 'the preshared key is gone on this side alone');
    await guest.run(`pid=$(cat /run/guest/pid)\nkill $pid\nwhile kill -0 $pid; do sleep 0.2; done 2>/dev/null`);
    await assert.rejects(guest.run(`ip link show ${theirs.end.name}`), /does not exist/);
    await assert.rejects(guest.run(`ls /run/wireguard/${theirs.end.name}.sock`), /No such file/);
  });
