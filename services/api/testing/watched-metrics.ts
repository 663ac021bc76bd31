import assert from 'node:assert/strict';
import { readExposition } from '#telemetry/testing/read-exposition.ts';

/** What a service's `/metrics` shows, over several readings. */
export interface WatchedMetrics {
  /** Now. @returns each series with its value */
  read(): Promise<ReadonlyMap<string, number>>;
  /** Series that were 0 at every reading; of histograms, how often they were told of something. */
  unmoved(): string[];
}

/** @param port of the admin's listener */
export const watchMetrics = (port: number): WatchedMetrics => {
  const seen = new Map<string, boolean>();
  return {
    read: async () => {
      const response = await fetch(`http://127.0.0.1:${port}/metrics`);
      assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
      const samples = readExposition(await response.text());
      for (const [series, value] of samples) {
        if (/_(bucket|sum)(\{|$)/.test(series)) continue;
        seen.set(series, seen.get(series) === true || value !== 0);
      }
      return samples;
    },
    unmoved: () => [...seen].flatMap(([series, moved]) => (moved ? [] : [series])),
  };
};
