/** A folder with a wall around it: whatever is not in `may` cannot be imported from inside. */
export type Wall = {
  /** From the top of the clone. The longest folder that a file lies in is its wall. */
  readonly folder: string;
  /** Other walled folders, or `everything`. A folder stands for those below it too. */
  readonly may: readonly string[] | 'everything';
  /** What its tests and `testing/` folders may import besides. */
  readonly tests?: readonly string[];
};

const CORES = 'pop-worker/protocol';

/** Protocol cores and the cores below them. `pop-worker/protocol` itself holds the contract that all share. */
const CORES_BELOW: Readonly<Record<string, readonly string[]>> = {
  anycast: [],
  bfd: [],
  bgp: ['ip'],
  bmp: ['bgp', 'ip'],
  congestion: [],
  dns: ['ip'],
  ethernet: ['ip'],
  handoff: ['quic'],
  http3: ['qpack', 'quic'],
  ip: [],
  masque: ['http3', 'ip', 'qpack', 'quic'],
  nat: ['ip'],
  netlink: [],
  mrt: ['bgp'],
  mesh: [],
  qlog: ['congestion', 'http3', 'ip', 'qpack', 'quic'],
  qpack: [],
  quic: ['congestion'],
  'quic-lb': [],
  rpki: ['bgp', 'ip'],
  vxlan: ['ethernet', 'ip'],
  wireguard: ['ip'],
};

const DATAPLANE_MAY = [CORES, 'pop-worker/host', 'model', 'telemetry'];
const SERVICES_BASE = ['services/store', 'services/authn', 'services/api'];

/** Every folder with code and what it may import: ARCHITECTURE.md in a form that the linter can hold us to. */
export const WALLS: readonly Wall[] = [
  { folder: 'proto', may: [] },
  // Route policies of the API are read as the workers read them.
  { folder: 'model', may: ['proto', `${CORES}/bgp`] },
  // Configuration files: addresses and route policies in them are read as the workers read them.
  { folder: 'settings', may: [`${CORES}/bgp`, `${CORES}/ip`, 'telemetry'] },
  { folder: 'services/store', may: ['proto', 'model', 'telemetry'] },
  // It says what the store's errors mean to callers.
  { folder: 'services/api', may: ['proto', 'model', 'telemetry', 'services/store'] },
  // Who may not call is told so in the API's words.
  { folder: 'services/authn', may: ['proto', 'model', 'telemetry', 'services/api'] },
  ...['services/auth', 'services/token', 'services/config'].map((folder) => ({
    folder,
    may: ['proto', 'model', 'telemetry', ...SERVICES_BASE],
  })),
  // The composition root of a service's process.
  { folder: 'services/process', may: ['proto', 'model', 'settings', 'telemetry', 'services'] },
  // What an operator sets a control plane up with.
  { folder: 'services/installation', may: ['proto', 'model', 'telemetry', 'services'], tests: ['pop-worker'] },
  { folder: 'edge', may: ['proto', 'model', 'services'] },
  { folder: CORES, may: [], tests: [CORES] },
  ...Object.entries(CORES_BELOW).map(([name, below]) => ({
    folder: `${CORES}/${name}`,
    may: below.map((core) => `${CORES}/${core}`),
    // The cores that use it; WireGuard's own ciphers, without which there is nothing to test.
    tests: name === 'wireguard' ? [CORES, 'pop-worker/host'] : [CORES],
  })),
  { folder: 'pop-worker/native', may: [] },
  { folder: 'pop-worker/host', may: ['pop-worker/native', CORES] },
  { folder: 'pop-worker/dataplane', may: DATAPLANE_MAY },
  // The QUIC and HTTP/3 stack as others use it.
  { folder: 'pop-worker/library', may: [CORES, 'pop-worker/host', 'pop-worker/dataplane'] },
  { folder: 'pop-worker/routing', may: DATAPLANE_MAY },
  // A thread of its own, with the sockets' loop and the exchange of the data plane's threads.
  { folder: 'pop-worker/mesh', may: [...DATAPLANE_MAY, 'pop-worker/dataplane'] },
  { folder: 'pop-worker/defence', may: DATAPLANE_MAY },
  { folder: 'bpf', may: [] },
  { folder: 'pop-worker/control', may: ['proto', 'model', 'telemetry'], tests: ['services'] },
  { folder: 'pop-worker', may: ['pop-worker', 'proto', 'model', 'settings', 'telemetry'] },
  {
    folder: 'client',
    may: [CORES, 'pop-worker/host', 'pop-worker/dataplane', 'proto', 'telemetry'],
    // It signs in where it is in earnest.
    tests: ['services', 'model'],
  },
  { folder: 'telemetry', may: [] },
  {
    folder: 'lab',
    may: ['pop-worker/host', 'services/installation', 'telemetry', 'scripts/setup'],
    // A disk that is full.
    tests: ['services/store'],
  },
  // A worker's admin socket; `worker run` and `serve` are the processes themselves.
  {
    folder: 'cli',
    tests: ['services'],
    may: [
      'proto',
      'model',
      'lab',
      'client',
      'pop-worker',
      'services/process',
      'services/installation',
      'bench',
      'interop',
      'sim',
      'telemetry',
      'scripts/setup',
    ],
  },
  {
    folder: 'sim',
    may: [
      CORES,
      'pop-worker/host',
      'pop-worker/dataplane',
      'pop-worker/routing',
      'pop-worker/control',
      'model',
      'telemetry',
    ],
  },
  { folder: 'bench', may: 'everything' },
  { folder: 'interop', may: 'everything' },
  { folder: 'scripts', may: 'everything' },
];

export const isCore = ({ folder }: Wall): boolean => folder === CORES || folder.startsWith(`${CORES}/`);

/** What tests and `testing/` folders may import besides; all of them where set-up put tools, and their corpora. */
export const testsMay = ({ tests = [] }: Wall): readonly string[] => ['scripts/setup', 'scripts/corpus', ...tests];

/** What the shared files of all cores are reached by; they belong to every core. */
export const CORE_BASE = CORES;

export const isTest = (file: string): boolean => file.endsWith('.test.ts') || file.includes('/testing/');

/** The wall that a file is behind. */
export const wallOf = (file: string): Wall | undefined =>
  WALLS.filter(({ folder }) => file.startsWith(`${folder}/`)).sort((a, b) => b.folder.length - a.folder.length)[0];

/** Globals that a core must not touch: time, randomness and the outside are given to it (`contract.ts`). */
export const CORE_DENIED_GLOBALS: Readonly<Record<string, string>> = {
  Date: 'Time is a number of microseconds that is handed in.',
  performance: 'Time is a number of microseconds that is handed in.',
  setTimeout: 'A core says its deadline(); who runs it has the timers.',
  setInterval: 'A core says its deadline(); who runs it has the timers.',
  setImmediate: 'A core says its deadline(); who runs it has the timers.',
  queueMicrotask: 'A core says its deadline(); who runs it has the timers.',
  crypto: 'Randomness and keys are handed in (Random, ports).',
  process: 'A core knows no environment.',
  Buffer: 'A core works on Uint8Array.',
};
