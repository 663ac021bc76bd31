import { beginBeat, giveBeat } from '#host/thread/beat.ts';
import { METRICS, type MetricSpec } from '#telemetry/metrics.ts';
import { observe } from '#telemetry/slots.ts';
import { single } from './series.ts';

const NAME = 'cloudbridge_loop_delay_seconds';
/** BFD waits for some of these before it tells routers that a worker is stuck (`pop-worker/worker-bfd.ts`). */
const EVERY_MS = 50;
const AT = single(NAME);
const SPECS: readonly MetricSpec[] = METRICS;
const BUCKETS = SPECS.find(({ name }) => name === NAME)?.buckets ?? [];

/** Measures how late a thread comes to what is due, and beats so that others see it is alive. */
export class LoopDelay {
  readonly #timer: NodeJS.Timeout;

  /** @param heartbeat `host/thread/beat.ts` @param onBeat the thread has a turn, whether there is anything to do or not */
  constructor(slots: Float64Array, heartbeat: Float64Array, onBeat: () => void) {
    let due = performance.now() + EVERY_MS;
    beginBeat(heartbeat);
    this.#timer = setInterval(() => {
      const now = performance.now();
      observe(slots, AT, BUCKETS, Math.max(0, now - due) / 1000);
      due = now + EVERY_MS;
      giveBeat(heartbeat);
      onBeat();
    }, EVERY_MS);
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
