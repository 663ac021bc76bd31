/** One thing about BBRv3 put wrong on purpose. */
export interface Fault {
  readonly name: string;
  readonly summary: string;
  /** Below `pop-worker/protocol/congestion/bbr`. */
  readonly file: string;
  /** Stands in the file once. */
  readonly from: string;
  readonly to: string;
  /** The scenario of `cloudbridge sim bbr` that must notice: a bar of it is missed. */
  readonly noticedBy: string;
}

/** A suite that let one of these through would prove nothing. To add one is to add a row. */
export const FAULTS: readonly Fault[] = [
  {
    name: 'gain-startup',
    summary: 'Startup hardly accelerates',
    file: 'state-table.ts',
    from: "'startup', 2.77",
    to: "'startup', 1.05",
    noticedBy: 'queue',
  },
  {
    name: 'gain-up',
    summary: 'probes for bandwidth send no more than what arrives',
    file: 'state-table.ts',
    from: "'probe-bw-up', 1.25",
    to: "'probe-bw-up', 1",
    noticedBy: 'rate-change',
  },
  {
    name: 'gain-down',
    summary: 'what a probe left in the queue stays there',
    file: 'state-table.ts',
    from: "'probe-bw-down', 0.9",
    to: "'probe-bw-down', 1.05",
    noticedBy: 'queue',
  },
  {
    name: 'gain-cruise',
    summary: 'between probes more is sent than arrives',
    file: 'state-table.ts',
    from: "'probe-bw-cruise', 1,",
    to: "'probe-bw-cruise', 1.1,",
    noticedBy: 'queue',
  },
  {
    name: 'loss-threshold-high',
    summary: 'half of all packets may be lost',
    file: 'constants.ts',
    from: 'LOSS_THRESHOLD = 0.02',
    to: 'LOSS_THRESHOLD = 0.5',
    noticedBy: 'shallow',
  },
  {
    name: 'loss-threshold-low',
    summary: 'a single loss is too much',
    file: 'constants.ts',
    from: 'LOSS_THRESHOLD = 0.02',
    to: 'LOSS_THRESHOLD = 0.00001',
    noticedBy: 'random-loss',
  },
  {
    name: 'marks-ignored',
    summary: 'ECN-CE is nothing to heed',
    file: 'bbr.ts',
    from: 'if (this.#marks > 0)',
    to: 'if (this.#marks < 0)',
    noticedBy: 'marked',
  },
  {
    name: 'marks-in-probes',
    summary: 'what a probe sent may come with ECN-CE',
    file: 'machine.ts',
    from: 'this.#onTooHigh(now, sample.txInFlight',
    to: 'if (now < 0) this.#onTooHigh(now, sample.txInFlight',
    noticedBy: 'marked',
  },
  {
    name: 'probe-rtt-never',
    summary: 'the queue is never drained to measure the round trip',
    file: 'constants.ts',
    from: 'PROBE_RTT_INTERVAL_US = 5_000_000',
    to: 'PROBE_RTT_INTERVAL_US = 1e15',
    noticedBy: 'rate-change',
  },
  {
    name: 'probe-rtt-full',
    summary: 'ProbeRTT leaves the queue as it is',
    file: 'state-table.ts',
    from: "'probe-rtt', 1, 0.5",
    to: "'probe-rtt', 1, 2",
    noticedBy: 'four-deep',
  },
  {
    name: 'filter-keeps',
    summary: 'a bandwidth that was there once is believed for ever',
    file: 'max-bandwidth.ts',
    from: 'this.#previous = this.#current;',
    to: 'this.#previous = Math.max(this.#previous, this.#current);',
    noticedBy: 'rate-change',
  },
  {
    name: 'filter-mean',
    summary: 'the latest bandwidth counts instead of the best',
    file: 'max-bandwidth.ts',
    from: 'if (rate > this.#current) this.#current = rate;\n    this.value = Math.max(this.#previous, this.#current);',
    to: 'this.#current = rate;\n    this.value = rate;',
    noticedBy: 'disturbed',
  },
  {
    name: 'no-aggregation',
    summary: 'ACKs that come together leave the window empty',
    file: 'model.ts',
    from: ' + this.extraAcked.value',
    to: '',
    noticedBy: 'disturbed',
  },
  {
    name: 'app-limited-believed',
    summary: 'what an application that says little brings is taken for the path',
    file: 'bbr.ts',
    from: 'model.delivered = sample.totalDelivered;',
    to: 'model.delivered = sample.totalDelivered; sample.isAppLimited = false;',
    noticedBy: 'application',
  },
];
