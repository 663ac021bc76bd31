// The process that is a link: a TUN in each of two network namespaces, and between them what its shapes say.
import { execFileSync } from 'node:child_process';
import os from 'node:os';
import { nowUs } from '#host/clock/clock.ts';
import { PreciseTimer } from '#host/clock/timer.ts';
import { native } from '#host/native.ts';
import { TunBurst } from '#host/tun/burst.ts';
import { TunDevice } from '#host/tun/device.ts';
import { T_LENGTH, T_OFFSET, TUN_SLOT_BYTES, TUN_WORDS } from '#host/tun/native.ts';
import { Capture } from './capture.ts';
import type { LinkOrder, LinkRequest } from './link.ts';
import { Rebinding } from './rebinding.ts';
import { LinkRecord } from './record.ts';
import { Shaper } from './shaper.ts';

const PACKETS = 64;

const openIn = (namespace: string, name: string): TunDevice => {
  const handle = native.namespaceOpen(`/run/netns/${namespace}`);
  native.namespaceEnter(handle);
  native.namespaceClose(handle);
  return TunDevice.open({ name });
};

type Changes = { readonly enters?: (packet: Uint8Array) => boolean; readonly leaves?: (packet: Uint8Array) => void };

/** From one TUN to the other. */
class Direction {
  readonly shaper: Shaper;
  record = new LinkRecord(nowUs());
  readonly #from: TunDevice;
  readonly #to: TunDevice;
  readonly #enters: (packet: Uint8Array) => boolean;
  readonly #leaves: (packet: Uint8Array) => void;
  readonly #captures: readonly [from: Capture | undefined, to: Capture | undefined];
  readonly #in = new TunBurst(PACKETS * TUN_SLOT_BYTES, PACKETS);
  readonly #out = new TunBurst(TUN_SLOT_BYTES, 1);
  readonly #timer = new PreciseTimer(() => this.#deliver());

  /**
   * @param enters may change a packet that enters the link, and says whether it goes on
   * @param leaves may change one that has crossed it
   * @param captures what either end sees
   */
  constructor(
    [from, to]: readonly [TunDevice, TunDevice],
    shaper: Shaper,
    { enters = () => true, leaves = () => {} }: Changes,
    captures: readonly [from: Capture | undefined, to: Capture | undefined],
  ) {
    this.#enters = enters;
    this.#leaves = leaves;
    this.#captures = captures;
    this.#from = from;
    this.#to = to;
    this.shaper = shaper;
    from.onReadable(() => this.#read());
  }

  /** What is due next may have changed. */
  arm(): void {
    this.#timer.arm(this.shaper.dueUs);
  }

  #read(): void {
    const burst = this.#in;
    for (;;) {
      burst.clear();
      const count = this.#from.read(burst);
      const now = nowUs();
      for (let i = 0; i < count; i++) {
        const offset = burst.words[i * TUN_WORDS + T_OFFSET] as number;
        const packet = burst.buffer.subarray(offset, offset + (burst.words[i * TUN_WORDS + T_LENGTH] as number));
        this.#captures[0]?.add(now, packet);
        this.record.onOffered(now, this.#enters(packet) && this.shaper.offer(now, packet));
      }
      if (count < PACKETS) break;
    }
    this.#deliver();
  }

  #deliver(): void {
    const now = nowUs();
    for (let next = this.shaper.take(now); next !== undefined; next = this.shaper.take(now)) {
      this.#leaves(next.bytes);
      this.#out.clear();
      this.#out.buffer.set(next.bytes);
      this.#out.commit(next.bytes.length);
      this.#to.write(this.#out);
      this.#captures[1]?.add(now, next.bytes);
      this.record.onArrived(now, next);
    }
    this.arm();
  }
}

const run = ({ ends, shapes, device, captures }: LinkOrder): void => {
  const [near, far] = ends.map((namespace) => openIn(namespace, device));
  if (near === undefined || far === undefined) throw new RangeError('A link has two ends.');
  const nat = new Rebinding();
  const nearSees = captures && new Capture(captures[0]);
  const farSees = captures && new Capture(captures[1]);
  // The NAT stands at the far end: what was under way when it forgot comes from elsewhere already.
  const outward = { leaves: (packet: Uint8Array) => nat.outward(packet) };
  const inward = { enters: (packet: Uint8Array) => nat.inward(packet) };
  const [there, back] = [
    new Direction([near, far], new Shaper(shapes[0], Math.random), outward, [nearSees, farSees]),
    new Direction([far, near], new Shaper(shapes[1], Math.random), inward, [farSees, nearSees]),
  ];
  process.once('exit', () => {
    nearSees?.close();
    farSees?.close();
  });
  process.on('message', (request: LinkRequest) => {
    if ('report' in request) {
      const [from, to] = request.report;
      process.send?.({ reports: [there, back].map(({ record }) => record.report(from * 1e6, to * 1e6)) });
      return;
    }
    if ('rebind' in request) {
      nat.rebind(request.rebind === 'address');
      return;
    }
    if ('begin' in request) {
      for (const direction of [there, back]) direction.record = new LinkRecord(nowUs());
      process.send?.({});
      return;
    }
    for (const [i, direction] of [there, back].entries()) {
      direction.shaper.change(nowUs(), request.shapes[i] ?? {});
      direction.arm();
    }
  });
  process.send?.({ ready: true });
};

// Whoever made the link is gone, or done with it.
process.on('disconnect', () => process.exit());
try {
  // A late packet is a delay that the link should not have: before both ends, and before other threads of this process.
  os.setPriority(-20);
  execFileSync('chrt', ['--reset-on-fork', '--fifo', '--pid', '2', String(process.pid)], { stdio: 'ignore' });
} catch {
  // Whoever may not do that goes on without it.
}
process.once('message', run);
