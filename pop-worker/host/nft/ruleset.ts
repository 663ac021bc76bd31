/** What the table of a worker does; prefixes as text. */
export interface NatOptions {
  /** Its name: `inet <table>`. */
  readonly table: string;
  readonly device: string;
  readonly carriers: string;
  /** Where the data plane's ICMP errors come from. */
  readonly router4: string;
  readonly router6: string;
  readonly masquerade: boolean;
  /** Addresses that the data plane translates to, with its own filter: the kernel keeps nothing of their connections. */
  readonly outside?: readonly string[];
  /** Tenants' IPv6 networks are not translated, and filtered by the data plane. */
  readonly routed6?: boolean;
  /** Between which addresses the way through the kernel is tried. */
  readonly probes?: readonly ProbedWay[];
  /** Tenants' IPv6 networks. */
  readonly tenants?: readonly string[];
  readonly refused: readonly string[];
  /** Exceptions from `refused`. */
  readonly allowed: readonly string[];
}

/** Packets from `source` to `target` go back into the device; `translated` is another one where devices' are translated. */
export interface ProbedWay {
  readonly source: string;
  readonly target: string;
  readonly translated: string;
}

/** Named counters of the table, in the words of `cloudbridge_nat_…`. */
export const NAT_COUNTERS = [
  'connections',
  'foreign_source',
  'refused',
  'invalid',
  'unsolicited',
  'to_worker',
] as const;
export type NatCounter = (typeof NAT_COUNTERS)[number];

const isIpv6 = (prefix: string): boolean => prefix.includes(':');

const set = (name: string, family: 4 | 6, prefixes: readonly string[]): string[] => {
  const own = prefixes.filter((prefix) => isIpv6(prefix) === (family === 6));
  const elements = own.length === 0 ? [] : [`    elements = { ${own.join(', ')} }`];
  return [`  set ${name} {`, `    type ipv${family}_addr; flags interval; auto-merge`, ...elements, '  }'];
};

const chain = (name: string, rules: readonly string[]): string[] => [
  `  chain ${name} {`,
  ...rules.map((rule) => `    ${rule}`),
  '  }',
];

const drop = (counter: NatCounter): string => `counter name ${counter} drop`;

const familyOf = ({ source }: ProbedWay): 'ip' | 'ip6' => (isIpv6(source) ? 'ip6' : 'ip');

const between = (probe: ProbedWay): string =>
  `${familyOf(probe)} saddr ${probe.source} ${familyOf(probe)} daddr ${probe.target}`;

/** Puts other prefixes in the place of those that were refused, in one transaction. */
export const refusedRuleset = (table: string, prefixes: readonly string[]): string =>
  ([4, 6] as const)
    .flatMap((family) => {
      const own = prefixes.filter((prefix) => isIpv6(prefix) === (family === 6));
      const name = `inet ${table} refused${family}`;
      return [`flush set ${name}`, ...(own.length === 0 ? [] : [`add element ${name} { ${own.join(', ')} }`])];
    })
    .join('\n')
    .concat('\n');

/** Which table an earlier process may have left is replaced in one transaction, so that there is never half of one. */
export const removeTable = (table: string): string => `table inet ${table}\ndelete table inet ${table}\n`;

/**
 * The whole table, for `nft -f`. Chains accept by default and speak of the device only: other packets of the machine are
 * none of our business.
 */
export const natRuleset = (options: NatOptions): string => {
  const { table, device, carriers, router4, router6, masquerade, outside = [], routed6 = false } = options;
  const { probes = [], tenants = [] } = options;
  const out = `oifname != "${device}"`;
  const translate = 'counter name connections masquerade';
  const lines = [
    `table inet ${table} {`,
    ...NAT_COUNTERS.map((name) => `  counter ${name} { }`),
    ...set('tenants6', 6, tenants),
    ...set('outside4', 4, outside),
    // Before connection tracking, and behind what puts fragments together for it.
    ...(outside.length === 0 && !routed6
      ? []
      : chain('untracked', [
          'type filter hook prerouting priority raw; policy accept;',
          ...(outside.length === 0
            ? []
            : [`iifname "${device}" ip saddr @outside4 notrack`, 'ip daddr @outside4 notrack']),
          ...(routed6 ? [`iifname "${device}" ip6 saddr @tenants6 notrack`, 'ip6 daddr @tenants6 notrack'] : []),
        ])),
    ...set('refused4', 4, options.refused),
    ...set('refused6', 6, options.refused),
    ...set('allowed4', 4, options.allowed),
    ...set('allowed6', 6, options.allowed),
    ...chain('from_devices', [
      // Marked, so that it shows that they came by here.
      ...probes.map((probe) => `oifname "${device}" ${between(probe)} ${familyOf(probe)} dscp set cs1 accept`),
      // From one device's outside address to another's.
      `oifname "${device}" ip saddr @outside4 ip daddr @outside4 accept`,
      `oifname "${device}" ${drop('refused')}`,
      `meta nfproto ipv4 ip saddr != ${carriers} ip saddr != ${router4} ip saddr != @outside4 ${drop('foreign_source')}`,
      `meta nfproto ipv6 ip6 saddr != ${router6} ip6 saddr != @tenants6 ${drop('foreign_source')}`,
      // What belongs to no connection is not translated: it would leave with an address that is nobody's out there.
      ...(masquerade ? [`ct state invalid ${drop('invalid')}`] : []),
      'ip daddr @allowed4 accept',
      'ip6 daddr @allowed6 accept',
      `ip daddr @refused4 ${drop('refused')}`,
      `ip6 daddr @refused6 ${drop('refused')}`,
    ]),
    ...chain('to_devices', [
      'ip daddr @outside4 accept',
      ...(routed6 ? ['ip6 daddr @tenants6 accept'] : []),
      'ct state established,related accept',
      drop('unsolicited'),
    ]),
    ...chain('forward', [
      'type filter hook forward priority filter; policy accept;',
      `iifname "${device}" goto from_devices`,
      `oifname "${device}" goto to_devices`,
    ]),
    // The worker itself is no destination: its other services are not for devices.
    ...chain('input', [
      'type filter hook input priority filter; policy accept;',
      `iifname "${device}" meta l4proto { icmp, ipv6-icmp } accept`,
      `iifname "${device}" ${drop('to_worker')}`,
    ]),
    ...(masquerade
      ? chain('postrouting', [
          'type nat hook postrouting priority srcnat; policy accept;',
          ...probes
            .filter(({ source, translated }) => source !== translated)
            .map((probe) => `oifname "${device}" ${between(probe)} snat ${familyOf(probe)} to ${probe.translated}`),
          `${out} ip saddr ${carriers} ${translate}`,
          ...(routed6 ? [] : [`${out} ip6 saddr @tenants6 ${translate}`]),
        ])
      : []),
    '}',
  ];
  return `${removeTable(table)}${lines.join('\n')}\n`;
};

/** `inet` tables are named by letters, digits and underscores; two workers of one machine need two names. */
export const tableName = (worker: string): string => `cloudbridge_${worker.replaceAll(/[^A-Za-z0-9]/g, '_')}`;
