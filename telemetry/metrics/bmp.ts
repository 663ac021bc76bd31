import type { MetricSpec } from './spec.ts';

/** What the BGP thread tells BMP stations. */
export const BMP_METRICS = [
  {
    name: 'cloudbridge_bmp_stations_count',
    type: 'gauge',
    unit: 'count',
    labels: { state: ['waiting', 'connecting', 'up'] },
    help: 'BMP stations by the state of their connection',
    layer: 'routing',
  },
  {
    name: 'cloudbridge_bmp_sent_bytes_total',
    type: 'counter',
    unit: 'bytes',
    labels: {},
    help: 'Bytes of BMP messages that went to stations',
    layer: 'routing',
  },
  {
    name: 'cloudbridge_bmp_ended_connections_total',
    type: 'counter',
    unit: 'connections',
    labels: { cause: ['connection', 'overflow', 'stopped'] },
    help: 'Connections with BMP stations that ended or could not be had: overflow is a station that takes less than there is to tell',
    layer: 'routing',
  },
] as const satisfies readonly MetricSpec[];
