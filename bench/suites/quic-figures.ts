/** What one run of a `quic-perf` client printed, and the CPU time that its server used meanwhile, in seconds. */
export type Told = {
  readonly said: Readonly<Record<string, number>>;
  readonly serverSeconds: number;
};

export type HandshakeMode = 'full' | 'resumed' | '0rtt';

/** All but the first few, for which there is no session yet. */
const NEARLY_ALL = 0.95;

/** @throws Error for a client that did not print it */
const figure = ({ said }: Told, name: string): number => {
  const value = said[name];
  if (value === undefined) throw new Error(`The client prints no \`${name}\`.`);
  return value;
};

/** CPU of both sides a piece, in microseconds. */
const cpuPer = (told: Told, pieces: number): number =>
  (1e6 * (told.serverSeconds + figure(told, 'client_cpu'))) / pieces;

/** A packet is a QUIC packet that the client received. */
export const transferFigures = (told: Told) => ({
  goodput: figure(told, 'gbps'),
  cpu_per_packet: cpuPer(told, figure(told, 'rx_packets')),
});

export const datagramFigures = (told: Told) => ({
  datagrams: figure(told, 'kpps'),
  datagrams_lost: figure(told, 'loss_pct'),
  cpu_per_datagram: cpuPer(told, figure(told, 'received')),
});

/** @throws Error when they were not what was wanted: figures of others would be compared */
export const handshakeFigures = (told: Told, mode: HandshakeMode) => {
  const made = figure(told, 'handshakes');
  const [resumed, early] = [figure(told, 'resumed'), figure(told, 'early')];
  if (figure(told, 'failed') > 0) throw new Error(`${figure(told, 'failed')} handshakes failed.`);
  if (mode !== 'full' && resumed < NEARLY_ALL * made) throw new Error(`Only ${resumed} of ${made} were resumed.`);
  if (mode === '0rtt' && early < NEARLY_ALL * made) throw new Error(`Only ${early} of ${made} had early data.`);
  return { cpu_per_handshake: cpuPer(told, made), handshakes: figure(told, 'hs_per_s') };
};

export const requestFigures = (told: Told) => ({
  requests: figure(told, 'rps'),
  p50: figure(told, 'p50_us'),
  p99: figure(told, 'p99_us'),
  cpu_per_request: cpuPer(told, figure(told, 'requests')),
});
