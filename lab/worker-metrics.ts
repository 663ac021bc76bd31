import type { Lab } from './lab.ts';

/** Sum of a metric's samples at a PoP's worker that have all of these labels. */
export const workerMetric = async (
  lab: Lab,
  pop: string,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number> => {
  const script = `fetch('http://${lab.place.worker(pop).admin}/metrics').then((r) => r.text()).then((t) => process.stdout.write(t))`;
  const text = await lab.exec(pop, process.execPath, ['-e', script]);
  return sumOf(text, name, labels);
};

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
