import type { NatsConnection } from '@nats-io/nats-core';
import { processRows } from '#telemetry/metrics/services.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { Meter } from './meter.ts';

const LOOK_MS = 100;

/** Figures of the process and of its connection to NATS. */
export class ProcessMeter {
  readonly #meter: Meter;
  readonly #read: () => void;
  readonly #timer: NodeJS.Timeout;

  /** @param service as in `cloudbridge serve` */
  constructor(service: string, nats: NatsConnection) {
    const { version } = packageJson;
    const meter = new Meter(processRows(service, version));
    this.#meter = meter;
    meter.setter('cloudbridge_build_info', { service, version })(1);
    meter.setter('cloudbridge_process_start_time_seconds')(Date.now() / 1000 - process.uptime());
    const resident = meter.setter('cloudbridge_process_resident_bytes');
    const cpu = meter.setter('cloudbridge_process_cpu_seconds_total');
    this.#read = () => {
      resident(process.memoryUsage.rss());
      const { user, system } = process.cpuUsage();
      cpu((user + system) / 1e6);
    };
    this.#timer = this.#watchLoop();
    void this.#follow(nats);
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

  /** Ends with the connection. */
  async #follow(nats: NatsConnection): Promise<void> {
    const connected = this.#meter.setter('cloudbridge_nats_connected_count');
    const disconnected = this.#meter.adder('cloudbridge_nats_disconnects_total');
    connected(1);
    for await (const { type } of nats.status()) {
      if (type === 'disconnect') disconnected();
      if (type === 'disconnect' || type === 'reconnect') connected(type === 'reconnect' ? 1 : 0);
    }
    connected(0);
  }
}
