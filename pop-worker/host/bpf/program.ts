import { closeSync } from 'node:fs';
import { native } from '../native.ts';
import { PROGRAM_INFO_WORDS, ProgramInfo, TEST_RUN_WORDS, TestRun } from './native.ts';

/** What an XDP program says of a packet. */
export const XdpVerdict = { aborted: 0, drop: 1, pass: 2, tx: 3, redirect: 4 } as const;

/** Where an XDP program runs. */
export const XdpMode = {
  /** In the driver, or else behind it. */
  any: 0,
  /** Behind the driver, on what it made of the frame: any interface can. */
  generic: 1 << 1,
  native: 1 << 2,
} as const;

/** Packets of a test run are real: they are sent and passed on. */
const LIVE_FRAMES = 1 << 1;

/** What a program grows a packet by at most. */
const ROOM = 256;

export interface TestResult {
  /** One of `XdpVerdict`. */
  readonly verdict: number;
  readonly packet: Uint8Array;
  /** A run's, of as many as were made. */
  readonly ns: number;
}

/** A program that the kernel has taken. */
export class BpfProgram {
  readonly descriptor: number;

  /** @param descriptor the program's from now on */
  constructor(descriptor: number) {
    this.descriptor = descriptor;
  }

  /** `verified`: instructions that the verifier walked, 0 where the kernel does not say (before 5.16). */
  info(): {
    readonly id: number;
    readonly verified: number;
    readonly instructions: number;
    readonly jitedBytes: number;
  } {
    const words = new Uint32Array(PROGRAM_INFO_WORDS);
    native.bpfProgramInfo(this.descriptor, words);
    return {
      id: words[ProgramInfo.id] as number,
      verified: words[ProgramInfo.verified] as number,
      instructions: (words[ProgramInfo.xlatedBytes] as number) / 8,
      jitedBytes: words[ProgramInfo.jitedBytes] as number,
    };
  }

  /** Shows it a packet. */
  test(packet: Uint8Array, repeat = 1): TestResult {
    const out = new Uint8Array(packet.length + ROOM);
    const results = new Uint32Array(TEST_RUN_WORDS);
    native.bpfTestRun(this.descriptor, packet, out, repeat, 0, results);
    return {
      verdict: results[TestRun.verdict] as number,
      packet: out.subarray(0, results[TestRun.bytes]),
      ns: results[TestRun.ns] as number,
    };
  }

  /** As `test`, and what it makes of the packet happens: it is sent, or the kernel gets it. */
  testLive(packet: Uint8Array, repeat: number): void {
    native.bpfTestRun(this.descriptor, packet, new Uint8Array(0), repeat, LIVE_FRAMES, new Uint32Array(TEST_RUN_WORDS));
  }

  close(): void {
    closeSync(this.descriptor);
  }
}

/** A program at an interface, until the link is closed and not pinned. */
export class XdpLink {
  readonly descriptor: number;

  /** @param descriptor the link's from now on */
  constructor(descriptor: number) {
    this.descriptor = descriptor;
  }

  /** @throws EBUSY: another program is there; EOPNOTSUPP: the driver runs none */
  static attach(program: BpfProgram, interfaceIndex: number, mode: (typeof XdpMode)[keyof typeof XdpMode]): XdpLink {
    return new XdpLink(native.bpfLinkXdp(program.descriptor, interfaceIndex, mode));
  }

  /** Puts another program in its place, between two packets. */
  update(program: BpfProgram): void {
    native.bpfLinkUpdate(this.descriptor, program.descriptor);
  }

  close(): void {
    closeSync(this.descriptor);
  }
}
