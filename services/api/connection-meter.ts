import type { NatsConnection } from '@nats-io/nats-core';
import { connectionRows } from '#telemetry/metrics/services.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { Meter } from './meter.ts';

/** What this is, and figures of its connection to NATS. Needs no Node. */
export class ConnectionMeter {
  readonly #meter: Meter;

  /** @param service as in `cloudbridge serve` */
  constructor(service: string) {
    const { version } = packageJson;
    this.#meter = new Meter(connectionRows(service, version));
    this.#meter.setter('cloudbridge_build_info', { service, version })(1);
  }

  /** @param nats a connection that there is; resolves when it has ended */
  async follow(nats: NatsConnection): Promise<void> {
    const connected = this.#meter.setter('cloudbridge_nats_connected_count');
    const disconnected = this.#meter.adder('cloudbridge_nats_disconnects_total');
    connected(1);
    for await (const { type } of nats.status()) {
      if (type === 'disconnect') disconnected();
      if (type === 'disconnect' || type === 'reconnect') connected(type === 'reconnect' ? 1 : 0);
    }
    connected(0);
  }

  text(): string {
    return this.#meter.text();
  }
}
