import type { Lab } from './lab.ts';

/** All metrics of a PoP's worker, as it says them. */
export const workerMetrics = (lab: Lab, pop: string): Promise<string> => {
  const script = `fetch('http://${lab.place.worker(pop).admin}/metrics').then((r) => r.text()).then((t) => process.stdout.write(t))`;
  return lab.exec(pop, process.execPath, ['-e', script]);
};

/** Sum of a metric's samples at a PoP's worker that have all of these labels. */
export const workerMetric = async (
  lab: Lab,
  pop: string,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number> => sumOf(await workerMetrics(lab, pop), name, labels);

/** The same of a text in Prometheus' format. */
export const sumOf = (text: string, name: string, labels: Readonly<Record<string, string>>): number => {
  let sum = 0;
  for (const line of text.split('\n')) {
    const match = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? ([-+0-9.eE]+|NaN|[+-]Inf)$/.exec(line);
    if (match === null || match[1] !== name) continue;
    const has = Object.entries(labels).every(([label, value]) => match[2]?.split(',').includes(`${label}="${value}"`));
    if (has) sum += Number(match[3]);
  }
  return sum;
};
