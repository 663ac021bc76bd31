import { slotOf } from '#telemetry/slots.ts';
import { STATION_STATES, type StationState } from './setup.ts';
import type { EndCause } from './station.ts';

const STATIONS = STATION_STATES.map((state) => [state, slotOf('cloudbridge_bmp_stations_count', { state })] as const);
const BYTES = slotOf('cloudbridge_bmp_sent_bytes_total', {});
const ENDED: Readonly<Record<EndCause, number>> = {
  connection: slotOf('cloudbridge_bmp_ended_connections_total', { cause: 'connection' }),
  overflow: slotOf('cloudbridge_bmp_ended_connections_total', { cause: 'overflow' }),
  stopped: slotOf('cloudbridge_bmp_ended_connections_total', { cause: 'stopped' }),
};

/** What stations come to, in memory that others read. */
export class BmpMetrics {
  readonly #slots: Float64Array;

  constructor(slots: Float64Array) {
    this.#slots = slots;
  }

  sent(bytes: number): void {
    (this.#slots[BYTES] as number) += bytes;
  }

  ended(cause: EndCause): void {
    (this.#slots[ENDED[cause]] as number) += 1;
  }

  collect(stations: readonly { readonly state: StationState }[]): void {
    for (const [state, at] of STATIONS) this.#slots[at] = stations.filter((one) => one.state === state).length;
  }
}
