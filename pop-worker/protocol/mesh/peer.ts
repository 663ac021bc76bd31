import type { TimeUs } from '../contract.ts';
import { Budget } from './budget.ts';
import { Latency } from './rtt.ts';
import { FrameSplitter } from './wire/frame.ts';
import { FILTERS_VERSION, REVISIONS_VERSION } from './wire/hello.ts';
import type { Probe } from './wire/probe.ts';

/** Probes a second that a member may send: twenty times as many as it should. */
const PROBES_A_SECOND = 500;
/** Frames a second that a member may send on its stream, and at once. */
const FRAMES_A_SECOND = 5000;
const FRAME_BURST = 20_000;

/** Another member, whether there is a link to it or not. */
export class Peer {
  readonly member: number;
  readonly latency = new Latency();
  isLinked = false;
  /** Undefined until its HELLO came. */
  version: number | undefined;
  /** On the link that there is, or on the one before. */
  latestVersion = 0;
  incarnation = 0;
  splitter = new FrameSplitter();
  probes = new Budget(PROBES_A_SECOND, PROBES_A_SECOND);
  frames = new Budget(FRAMES_A_SECOND, FRAME_BURST);
  /** When the first of the next three is due. */
  nextAt: TimeUs = 0;
  /** When the next probe leaves. */
  probeAt: TimeUs = 0;
  sequence = 0;
  /** The latest probe that came, and when: what ours echo. */
  lastProbe: { readonly sentUs: number; readonly at: TimeUs } | undefined;
  /** When its latest probe came. */
  heardAt: TimeUs = Number.NEGATIVE_INFINITY;
  /** When the next VECTOR goes there. */
  vectorAt: TimeUs = 0;
  /** When digests are compared next. */
  digestAt: TimeUs = 0;
  /** Whether it announces its prefixes, as it said last, and which these are, by `prefixKey`. */
  announces = false;
  prefixes: ReadonlySet<string> = new Set();
  /** It was among those that announce when we looked last. */
  wasAnnouncing = false;
  /** Which of our sets of prefixes it was told. */
  toldPrefixes = 0;
  /** Whether it was dead when we looked last. */
  wasDead = false;
  saidHello = false;
  /** Bytes of frames from it to other members that wait for room. */
  passingBytes = 0;

  constructor(member: number) {
    this.member = member;
  }

  /** Both sides know who the other is, and what it speaks. */
  get isReady(): boolean {
    return this.isLinked && this.version !== undefined;
  }

  /** It speaks a version that has filters of IPv6. */
  get hasFilters(): boolean {
    return (this.version ?? 0) >= FILTERS_VERSION;
  }

  /** …that has revisions of records, as far as is known: without a link it may be told of them through a third. */
  get knowsRevisions(): boolean {
    return this.latestVersion >= REVISIONS_VERSION;
  }

  unlink(): void {
    this.isLinked = false;
    this.version = undefined;
  }

  /** There is a new link: nothing of the one before counts. */
  link(now: TimeUs): void {
    this.isLinked = true;
    this.version = undefined;
    this.saidHello = false;
    this.prefixes = new Set();
    this.toldPrefixes = 0;
    this.sequence = 0;
    this.splitter = new FrameSplitter();
    this.lastProbe = undefined;
    this.latency.restart();
    this.nextAt = now;
    this.probeAt = now;
    this.vectorAt = now;
    this.digestAt = now;
  }

  /** Takes a probe. @returns false: it came late, or twice */
  take(probe: Probe, now: TimeUs): boolean {
    if (!this.latency.arrived(probe.sequence)) return false;
    this.heardAt = now;
    this.announces = probe.announces === true;
    this.lastProbe = { sentUs: probe.sentUs, at: now };
    const { echo } = probe;
    if (echo === undefined) return true;
    const rttUs = now - echo.sentUs - echo.delayUs;
    // What cannot be is not measured.
    if (rttUs >= 0 && echo.sentUs <= now) this.latency.sample(rttUs);
    return true;
  }
}
