import { PROCESS_ROWS } from '#telemetry/metrics/services.ts';
import { Meter } from './meter.ts';

const LOOK_MS = 100;

/** Figures of the process. */
export class ProcessMeter {
  readonly #meter = new Meter(PROCESS_ROWS);
  readonly #read: () => void;
  readonly #timer: NodeJS.Timeout;

  constructor() {
    const meter = this.#meter;
    meter.setter('cloudbridge_process_start_time_seconds')(Date.now() / 1000 - process.uptime());
    const resident = meter.setter('cloudbridge_process_resident_bytes');
    const cpu = meter.setter('cloudbridge_process_cpu_seconds_total');
    this.#read = () => {
      resident(process.memoryUsage.rss());
      const { user, system } = process.cpuUsage();
      cpu((user + system) / 1e6);
    };
    this.#timer = this.#watchLoop();
  }

  text(): string {
    this.#read();
    return this.#meter.text();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #watchLoop(): NodeJS.Timeout {
    const late = this.#meter.observer('cloudbridge_process_loop_delay_seconds');
    let due = performance.now() + LOOK_MS;
    return setInterval(() => {
      const now = performance.now();
      late(Math.max(0, now - due) / 1000);
      due = now + LOOK_MS;
    }, LOOK_MS).unref();
  }
}
