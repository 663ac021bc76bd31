/**
 * Preloaded into a worker: for as long as the file `CBR_TEST_CLOCK` is there the time of day goes a day ahead or back in all of
 * its threads, ten times a second.
 */
import { existsSync } from 'node:fs';

const EVERY_MS = 100;
const DAY_MS = 86_400_000;
const file = process.env['CBR_TEST_CLOCK'];

if (file !== undefined) {
  const real = Date.now;
  let steps = 0;
  setInterval(() => {
    steps = existsSync(file) ? steps + 1 : 0;
  }, EVERY_MS).unref();
  const jumping = (): number => real() + (steps === 0 ? 0 : (steps % 3) - 1) * DAY_MS;
  Date.now = jumping;
  globalThis.Date = new Proxy(Date, {
    construct: (target, args, self) => Reflect.construct(target, args.length === 0 ? [jumping()] : args, self),
  });
}
