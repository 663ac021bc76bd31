const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABEL = String.raw`[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"`;
const HELP = new RegExp(`^# HELP (${NAME}) \\S.*$`);
const TYPE = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram)$`);
const SAMPLE = new RegExp(`^(${NAME})((?:\\{${LABEL}(?:,${LABEL})*\\})?) ([-+]?[0-9.]+(?:e[-+]?[0-9]+)?)$`);

interface Family {
  readonly name: string;
  readonly type: string;
}

const isOf = ({ name, type }: Family, sample: string): boolean =>
  type === 'histogram' ? ['_bucket', '_sum', '_count'].some((end) => sample === name + end) : sample === name;

/** Buckets of each histogram: they ascend, count what is below too, and the last one is the count. */
const checkHistogram = ({ name }: Family, samples: ReadonlyMap<string, number>): void => {
  const before = new Map<string, { readonly bound: number; readonly count: number }>();
  for (const [series, count] of samples) {
    const bucket = /^(.*)_bucket\{(.*?),?le="([^"]+)"\}$/.exec(series);
    if (bucket === null || bucket[1] !== name) continue;
    const labels = bucket[2] === '' ? '' : `{${bucket[2]}}`;
    const bound = bucket[3] === '+Inf' ? Number.POSITIVE_INFINITY : Number(bucket[3]);
    const last = before.get(labels) ?? { bound: Number.NEGATIVE_INFINITY, count: 0 };
    if (!(bound > last.bound) || count < last.count) throw new RangeError(`${series} is out of order`);
    before.set(labels, { bound, count });
  }
  for (const [labels, { bound, count }] of before) {
    if (bound === Number.POSITIVE_INFINITY && samples.get(`${name}_count${labels}`) === count) continue;
    throw new RangeError(`the buckets of ${name}${labels} do not end in its count`);
  }
};

/**
 * Reads a text in Prometheus' format 0.0.4 more strictly than Prometheus does.
 *
 * @returns each series as it is written, with its value
 * @throws RangeError at what the format does not allow, or ours does not have
 */
export const readExposition = (text: string): ReadonlyMap<string, number> => {
  if (!text.endsWith('\n')) throw new RangeError('the last line does not end');
  const samples = new Map<string, number>();
  const families = new Map<string, Family>();
  let [help, family]: [string | undefined, Family | undefined] = [undefined, undefined];
  for (const line of text.slice(0, -1).split('\n')) {
    const [, helped] = HELP.exec(line) ?? [];
    const [, typed, type = ''] = TYPE.exec(line) ?? [];
    const [, name = '', labels = '', value] = SAMPLE.exec(line) ?? [];
    if (helped !== undefined && help === undefined) help = helped;
    else if (typed !== undefined && typed === help && !families.has(typed)) {
      help = undefined;
      family = { name: typed, type };
      families.set(typed, family);
    } else if (value !== undefined && family !== undefined && isOf(family, name) && !samples.has(name + labels)) {
      samples.set(name + labels, Number(value));
    } else throw new RangeError(`not understood: ${line}`);
  }
  for (const one of families.values()) if (one.type === 'histogram') checkHistogram(one, samples);
  return samples;
};
