/** One line of a plot: values at equal distances. */
export interface Line {
  readonly label: string;
  readonly values: readonly number[];
}

export interface Plot {
  readonly title: string;
  /** Of the vertical axis, with its unit. */
  readonly measure: string;
  /** Distance of the values, in seconds. */
  readonly stepSeconds: number;
  readonly lines: readonly Line[];
}

const [WIDTH, HEIGHT] = [760, 300];
const [LEFT, RIGHT, TOP, BOTTOM] = [56, 12, 34, 40];
const COLOURS = ['#0b6bcb', '#c9510c', '#2a8a3e', '#8a4fb0'];
const TICKS = 5;

/** 1, 2 or 5 times a power of ten, so that about so many of them make the whole. */
const tickOf = (most: number): number => {
  const raw = most / TICKS;
  const power = 10 ** Math.floor(Math.log10(raw));
  return ([1, 2, 5].find((step) => step * power >= raw) ?? 10) * power;
};

const ticksTo = (most: number): number[] => {
  const tick = tickOf(most);
  return Array.from({ length: Math.floor(most / tick + 1e-9) + 1 }, (_, i) => Number((i * tick).toPrecision(6)));
};

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

const text = (x: number, y: number, anchor: string, content: string, colour = '#444'): string =>
  `<text x="${x}" y="${y}" text-anchor="${anchor}" fill="${colour}">${escaped(content)}</text>`;

/** A line chart as a whole SVG document. The same values give the same bytes. */
export const drawPlot = ({ title, measure, stepSeconds, lines }: Plot): string => {
  const seconds = Math.max(...lines.map(({ values }) => values.length)) * stepSeconds;
  const most = Math.max(...lines.flatMap(({ values }) => values), 1e-9) * 1.05;
  const x = (at: number): number => LEFT + (at / seconds) * (WIDTH - LEFT - RIGHT);
  const y = (value: number): number => HEIGHT - BOTTOM - (value / most) * (HEIGHT - TOP - BOTTOM);
  const across = ticksTo(most).map((tick) => {
    const at = y(tick).toFixed(1);
    const rule = `<path d="M${LEFT} ${at}H${WIDTH - RIGHT}" stroke="#ddd"/>`;
    return rule + text(LEFT - 6, Number(at) + 4, 'end', String(tick));
  });
  const along = ticksTo(seconds).map((tick) =>
    text(Number(x(tick).toFixed(1)), HEIGHT - BOTTOM + 18, 'middle', `${tick}`),
  );
  const drawn = lines.map(({ values }, i) => {
    const points = values.map((value, at) => `${x((at + 0.5) * stepSeconds).toFixed(1)},${y(value).toFixed(1)}`);
    return `<polyline points="${points.join(' ')}" fill="none" stroke="${COLOURS[i % COLOURS.length]}" stroke-width="1.5"/>`;
  });
  const legend = lines.map(({ label }, i) =>
    text(WIDTH - RIGHT - (lines.length - 1 - i) * 110, 20, 'end', label, COLOURS[i % COLOURS.length]),
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    text(LEFT, 20, 'start', `${title}: ${measure}`, '#111'),
    ...across,
    ...along,
    text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, 'middle', 'seconds'),
    ...drawn,
    ...legend,
    '</svg>\n',
  ].join('\n');
};
