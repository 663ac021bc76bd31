// Peers whose programs come out of Debian packages, unpacked into the cache.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { asLeft, folderOf, lacks, librariesOf, missingPackages, unpackDebian, unpacked } from './debian-packages.mjs';
import { findCommand, requirements } from './paths.mjs';
import { PeerMissing, peersFolder } from './peer-parts.mjs';

const { router, wireguardClient } = requirements;
const { debian, dns, frr, guest, wireguard } = requirements.peers;

/** ngtcp2 and iperf3, unpacked if they have to be. @throws PeerMissing */
export const debianPeers = () => unpacked('ngtcp2 and iperf3', debian);

/** BIRD, unpacked if it has to be. @throws PeerMissing */
export const birdPeer = () => unpacked('BIRD', router.debian);

/** `wg`, `wg-quick` and `ethtool`, unpacked if they have to be. @throws PeerMissing */
export const wireguardTools = () => unpacked('wireguard-tools and ethtool', wireguard);

/** FRR's daemons, unpacked if they have to be. @throws PeerMissing */
export const frrPeer = () => unpacked('FRR', frr);

/** wireguard-go, `wg` and `wg-quick` as Debian has them, unpacked if they have to be. @throws PeerMissing */
export const wireguardClientPeer = () => unpacked('wireguard-go and wireguard-tools', wireguardClient.debian);

/** BIRD as set-up left it; undefined: it is not here. */
export const findBird = () => asLeft(router.debian);

/** The lab's WireGuard client as set-up left it; undefined: it is not here. */
export const findWireguardClient = () => asLeft(wireguardClient.debian);

/** NSD, dnsperf and dig, with what they need that is not installed, unpacked if they have to be. @throws PeerMissing */
export const dnsPeers = () => unpacked('NSD, dnsperf and dig', dns, () => missingPackages(dns.packages));

/** QEMU and a kernel of Debian's with its modules, 500 MB, unpacked if they have to be. @throws PeerMissing */
export const guestParts = async () => {
  if (os.arch() !== 'x64') throw new PeerMissing('The guest is an x86-64 machine, and this is another one.');
  const target = folderOf(guest.packages);
  const list = () => missingPackages(guest.packages);
  const { programs, libraries } = await unpacked('QEMU and its guest', guest, list);
  const release = fs.readdirSync(path.join(target, 'lib/modules'))[0] ?? '';
  return {
    ...{ ...programs, libraries },
    kernel: path.join(target, `boot/vmlinuz-${release}`),
    modules: path.join(target, 'lib/modules', release),
    firmware: guest.firmware.map((name) => path.join(target, name)),
  };
};

const CHROMIUM = 'usr/lib/chromium/chromium';

/** The browser that is installed, or one unpacked from Debian packages, 400 MB. @throws PeerMissing */
export const chromiumPeer = async () => {
  const installed = findCommand(['chromium', 'google-chrome', 'chromium-browser']);
  if (installed !== undefined) return { program: installed, libraries: '' };
  const target = path.join(peersFolder, `chromium-${os.arch()}`);
  if (!fs.existsSync(target))
    await unpackDebian(target, 'Chromium and its libraries', () => missingPackages(['chromium']));
  const libraries = librariesOf(target)
    .flatMap((name) => [name, path.join(name, 'pulseaudio')])
    .join(':');
  const program = path.join(target, CHROMIUM);
  const lacking = fs.existsSync(program) ? lacks(program, libraries) : ['a package'];
  if (lacking.length > 0)
    throw new PeerMissing(`Chromium needs ${lacking.join(', ')}, which this machine has no apt-get package of.`);
  return { program, libraries };
};
