import { existsSync, readFileSync } from 'node:fs';
import { attempt, type Check, firstLine, inFreshNamespace, limited, missing, ok } from './check.ts';

/** Root in a container may lack what root is asked for. */
const AS_ROOT =
  process.geteuid?.() === 0 ? 'let root have CAP_NET_ADMIN, CAP_NET_RAW and CAP_SYS_ADMIN here' : 'run as root';
const INSTALL_IP = 'apt-get install iproute2';

/** What a worker asks the kernel for (pop-worker/dataplane/open-hosts.ts). */
const RECEIVE_BUFFER_BYTES = 8 << 20;
const RMEM_MAX = '/proc/sys/net/core/rmem_max';

// Numbers of linux/capability.h.
const CAPABILITIES = { CAP_NET_ADMIN: 12, CAP_NET_RAW: 13, CAP_SYS_ADMIN: 21, CAP_BPF: 39 } as const;
/** TUN, routes, nftables and large buffers; ping; namespaces. */
const NEEDED = ['CAP_NET_ADMIN', 'CAP_NET_RAW', 'CAP_SYS_ADMIN'] as const;

const hasCapability = (name: keyof typeof CAPABILITIES): boolean => {
  const hex = /CapEff:\s*([0-9a-f]+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  return ((BigInt(`0x${hex}`) >> BigInt(CAPABILITIES[name])) & 1n) === 1n;
};

const capabilities: Check = {
  feature: 'capabilities',
  neededBy: 'up',
  probe: () => {
    const lacking = NEEDED.filter((name) => !hasCapability(name));
    return lacking.length === 0 ? ok(NEEDED.join(' ')) : limited(`without ${lacking.join(' ')}`, AS_ROOT);
  },
};

const namespaces: Check = {
  feature: 'network namespaces',
  neededBy: 'up',
  probe: () => {
    const ip = attempt('ip', ['-V']);
    if (!ip.succeeded) return missing('no `ip`', INSTALL_IP);
    const tried = inFreshNamespace('true', []);
    if (tried.succeeded) return ok(firstLine(ip.stdout || ip.stderr));
    return missing(firstLine(tried.stderr), `${AS_ROOT}, or \`cloudbridge up --unprivileged\``);
  },
};

const ping: Check = {
  feature: 'ping',
  neededBy: 'up',
  probe: () => {
    const tried = attempt('ping', ['-V']);
    return tried.succeeded ? ok(firstLine(tried.stdout)) : missing('none', 'apt-get install iputils-ping');
  },
};

const tunWith = (feature: string, flags: readonly string[], neededBy: Check['neededBy']): Check => ({
  feature,
  neededBy,
  probe: () => {
    if (!existsSync('/dev/net/tun')) return missing('no /dev/net/tun', 'modprobe tun');
    if (!attempt('ip', ['-V']).succeeded) return missing('no `ip` to try it with', INSTALL_IP);
    const tried = inFreshNamespace('ip', ['tuntap', 'add', 'dev', 'probe', 'mode', 'tun', ...flags]);
    return tried.succeeded ? ok('created') : missing(firstLine(tried.stderr), AS_ROOT);
  },
});

const wireGuard: Check = {
  feature: 'WireGuard of the kernel',
  neededBy: 'up',
  probe: () => {
    if (!attempt('ip', ['-V']).succeeded) return missing('no `ip` to try it with', INSTALL_IP);
    const tried = inFreshNamespace('ip', ['link', 'add', 'probe', 'type', 'wireguard']);
    if (tried.succeeded) return ok('for `wireguard run --kernel`');
    const mend = hasCapability('CAP_NET_ADMIN') ? 'modprobe wireguard, if it is to' : AS_ROOT;
    return limited('not to be had: `wireguard run` moves packets itself', mend);
  },
};

const RULES = `table inet probe {
  chain forward { type filter hook forward priority 0; ct state established accept; }
  chain out { type nat hook postrouting priority 100; masquerade; }
}
`;

const nftables: Check = {
  feature: 'nftables with conntrack and NAT',
  neededBy: 'up',
  probe: () => {
    if (!attempt('nft', ['--version']).succeeded) return missing('no `nft`', 'apt-get install nftables');
    const tried = inFreshNamespace('nft', ['-f', '-'], RULES);
    return tried.succeeded ? ok('rules loaded') : missing(firstLine(tried.stderr), AS_ROOT);
  },
};

const xdp: Check = {
  feature: 'BPF and XDP',
  neededBy: 'later',
  probe: () => {
    if (!existsSync('/proc/sys/net/core/bpf_jit_enable')) return missing('no BPF in this kernel', 'use another kernel');
    if (!existsSync('/sys/kernel/btf/vmlinux')) return limited('BPF without type information', 'CONFIG_DEBUG_INFO_BTF');
    return hasCapability('CAP_BPF') ? ok('BPF with type information') : limited('BPF, not allowed to us', AS_ROOT);
  },
};

const GROUP = `nexthop add id 1 dev lo
nexthop add id 2 group 1,2
route add 192.0.2.0/24 nhid 2 table 20300 protocol 203
rule add to 192.0.2.0/24 table 20300 protocol 203
`;

const routes: Check = {
  feature: 'routes by groups of nexthops, rules (Linux 5.3)',
  neededBy: 'later',
  probe: () => {
    if (!attempt('ip', ['-V']).succeeded) return missing('no `ip` to try it with', INSTALL_IP);
    const tried = inFreshNamespace('sh', ['-c', 'ip link set lo up && ip -batch -'], GROUP);
    return tried.succeeded ? ok('set') : missing(firstLine(tried.stderr), `${AS_ROOT}, on Linux 5.3 or later`);
  },
};

const receiveBuffers: Check = {
  feature: 'socket buffers of 8 MiB (SO_RCVBUFFORCE)',
  neededBy: 'up',
  probe: () => {
    if (hasCapability('CAP_NET_ADMIN')) return ok('whatever a worker asks for');
    const mend = `${AS_ROOT}, or sysctl net.core.rmem_max=${RECEIVE_BUFFER_BYTES}`;
    // Older kernels show it only outside of network namespaces.
    if (!existsSync(RMEM_MAX)) return limited('the limit of this machine is not to be seen from here', mend);
    const most = Number(readFileSync(RMEM_MAX, 'utf8'));
    if (most >= RECEIVE_BUFFER_BYTES) return ok(`up to ${most} bytes`);
    return limited(`up to ${most} bytes: a worker works, and bursts overflow sooner`, mend);
  },
};

export const NETWORK_CHECKS: readonly Check[] = [
  capabilities,
  namespaces,
  ping,
  tunWith('TUN', [], 'up'),
  tunWith('TUN with vnet_hdr (offloads)', ['vnet_hdr'], 'up'),
  tunWith('TUN with several queues', ['multi_queue'], 'later'),
  wireGuard,
  nftables,
  routes,
  xdp,
  receiveBuffers,
];
