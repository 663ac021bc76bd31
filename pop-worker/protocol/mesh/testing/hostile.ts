import { SeededRandom } from '#protocol/quic/testing/random.ts';
import type { TimeUs } from '../../contract.ts';
import { MeshError } from '../errors.ts';
import { Mesh } from '../mesh.ts';
import type { MeshOut, MeshSink } from '../sink.ts';

/** What worker 2 says first. */
export const HELLO = Uint8Array.of(1, 0, 10, 1, 1, 0, 2, 0, 0, 0, 0, 0, 1);

/** Devices that the meshes of these tests remember at most. */
export const FEW_RECORDS = 500;

const NOTHING: MeshSink = {
  leaseChanged: () => {},
  verdict: () => {},
  pathChanged: () => {},
  resumed: () => {},
  presence: () => {},
  superseded: () => {},
  settled: () => {},
};

/** Worker 1 of five, with links to workers 2 and 3, of which 2 says what a test says. */
export class Victim {
  readonly mesh: Mesh;
  now: TimeUs = 10_000_000;
  sentBytes = 0;
  /** What worker 3 was sent. */
  readonly toOther: Uint8Array[] = [];
  /** Members whose stream takes no more. */
  readonly full = new Set<number>();
  readonly #out: MeshOut = {
    room: (to) => !this.full.has(to),
    stream: (to, frame) => {
      this.sentBytes += frame.length;
      if (to === 3) this.toOther.push(frame);
    },
    datagram: (_to, bytes) => {
      this.sentBytes += bytes.length;
    },
  };

  constructor() {
    this.mesh = new Mesh(
      { own: 1, incarnation: 1, random: new SeededRandom(1), sink: NOTHING, mostRecords: FEW_RECORDS },
      this.now,
    );
    this.mesh.setMembers([1, 2, 3, 4, 5], this.now);
    for (const member of [2, 3]) this.mesh.linked(member, this.now);
    this.mesh.stream(3, Uint8Array.of(1, 0, 10, 1, 1, 0, 3, 0, 0, 0, 0, 0, 1), this.now);
    this.mesh.arrive('own/device', Uint8Array.of(1), 5, undefined, this.now);
    this.poll();
  }

  poll(): void {
    this.mesh.poll(this.now, this.#out);
  }

  /** @returns why the link is closed, if it is */
  says(bytes: Uint8Array): MeshError | undefined {
    return this.#tried(() => this.mesh.stream(2, bytes, this.now));
  }

  sends(datagram: Uint8Array): MeshError | undefined {
    return this.#tried(() => this.mesh.datagram(2, datagram, 0, datagram.length, this.now));
  }

  /** Only errors of the mesh, and of the other's making, may come out. */
  #tried(act: () => void): MeshError | undefined {
    try {
      act();
      return undefined;
    } catch (error) {
      if (error instanceof MeshError && error.fault === 'remote') return error;
      throw error;
    }
  }
}

/** In two pieces, to be put together again. */
export const inPieces = (victim: Victim, bytes: Uint8Array): MeshError | undefined => {
  const half = bytes.length >> 1;
  return victim.says(bytes.subarray(0, half)) ?? victim.says(bytes.subarray(half));
};
