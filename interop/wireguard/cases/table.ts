import type { PeerName } from '../implementations.ts';
import { deviceConfig } from './device-config.ts';
import { bothBegin, itBegins, overIpv6, presharedKey, privateKey, weBegin } from './handshakes.ts';
import { kernel } from './kernel.ts';
import { pops } from './pops.ts';
import type { Proof } from './proof.ts';
import { quick } from './quick.ts';
import { sites } from './sites.ts';
import { keepalive, rekey, restarts, roaming } from './time.ts';
import { tools } from './tools.ts';
import { allowedIps, sizes, tcp } from './traffic.ts';

type Row = readonly [name: string, summary: string, proof: Proof, peers?: readonly PeerName[]];

/** Every case: its name, what it shows, how, and with whom, where that is not everybody. */
export const CASES: readonly Row[] = [
  ['we-begin', 'our handshake, then packets of both families both ways', weBegin],
  ['it-begins', 'the same with a handshake of the peer’s', itBegins],
  ['both-begin', 'handshakes of both in the same moment', bothBegin],
  ['outer-ipv6', 'over IPv6, begun by either', overIpv6],
  ['preshared-key', 'a preshared key, another one on one side alone, and the right one again', presharedKey],
  ['private-key', 'our key changes live', privateKey],
  ['tcp', 'TCP flows both ways over both families, counted alike by both', tcp],
  ['sizes', 'packets at the edges of padding, and fragments up to 60,000 bytes', sizes],
  ['allowed-ips', 'sources and destinations that are not the peer’s', allowedIps],
  ['roaming', 'either moves to another port, we to another address', roaming],
  ['keepalive', 'persistent keepalives of either', keepalive],
  ['restarts', 'either interface is set down and up again', restarts],
  ['tools', 'wg show, set, setconf, syncconf, addconf and showconf on ours', tools],
  ['wg-quick', 'a file of wg-quick makes an interface of ours, routes included, and takes it away', quick],
  ['sites', 'two networks, one behind each, reach each other', sites],
  [
    'site-pops',
    'a site of two tunnels, printed files and wg-quick, at two PoPs: traffic both ways, the active PoP killed and back',
    pops,
    ['wireguard-go'],
  ],
  ['kernel', 'our command with --kernel: set up, asked and counted by netlink as it is by `wg`', kernel, ['linux']],
  [
    'device-config',
    'what `device config --wireguard` prints, for a site, by wg-quick in the guest',
    deviceConfig,
    ['linux'],
  ],
  ['rekey', 'new keys after two minutes, for real, under traffic', rekey],
];
