/** A test file and what it takes its tests from: suites that it imports from a `testing/` folder, tables in JSON. */
export type TestFile = {
  readonly source: string;
  readonly suites: readonly string[];
  readonly tables: readonly string[];
};

/** Paths, as the source has them, of suites and of tables. */
export const partsOf = (source: string): { suites: string[]; tables: string[] } => ({
  suites: [...source.matchAll(/from '([#.][\w./-]*testing\/suite[\w-]*\.ts)'/g)].map(([, path]) => path!),
  tables: [...source.matchAll(/'(\.[\w./-]+\.json)', import\.meta\.url/g)].map(([, path]) => path!),
});

const TEXT = String.raw`'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|\`(?:[^\`\\]|\\.)*\``;
const CALL = String.raw`\b(?<kind>test|it|describe|suite)(?:\.(?<way>\w+))?\(\s*`;
const OFF = /\b(?:skip|todo)\s*:\s*(?:true|['"`])/;

type Found = { readonly title: string; readonly isTemplate: boolean; readonly isOff: boolean };

const withoutEscapes = (text: string): string => text.replace(/\\(.)/g, '$1');

const withoutComments = (source: string): string =>
  source.replaceAll(new RegExp(`${TEXT}|/\\*[\\s\\S]*?\\*/|//[^\\n]*`, 'g'), (part) =>
    /^\/[/*]/.test(part) ? '' : part,
  );

const titlesIn = (source: string): Found[] =>
  [...source.matchAll(new RegExp(`${CALL}(?<title>${TEXT})(?:,\\s*(?<options>\\{[^}]*\\}))?`, 'g'))].map(
    ({ groups }) => ({
      title: withoutEscapes(groups!['title']!.slice(1, -1)),
      isTemplate: groups!['title']!.startsWith('`'),
      isOff: ['skip', 'todo'].includes(groups!['way'] ?? '') || OFF.test(groups!['options'] ?? ''),
    }),
  );

/** A template's holes fit words that the sources have: the names come from a table there. */
const templateFits = (template: string, name: string, words: string): boolean => {
  const parts = template.split(/\$\{[^}]*\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const holes = new RegExp(`^${parts.join('(.*)')}$`, 's').exec(name)?.slice(1);
  return template === name || holes?.every((hole) => hole.split(/\W+/).every((word) => words.includes(word))) === true;
};

/** Where titles come from a table, the name stands there, or among the file's own strings. */
const isInTable = (source: string, tables: readonly string[], name: string): boolean => {
  if (!new RegExp(`${CALL}[\\w.]+,`).test(source)) return false;
  const own = [...source.matchAll(new RegExp(TEXT, 'g'))].some(([text]) => withoutEscapes(text.slice(1, -1)) === name);
  return own || tables.some((table) => table.includes(JSON.stringify(name)));
};

/** Is there a test (or a group of tests) of this name, and does it run? One that is written to be skipped proves nothing. */
export const findTest = ({ source, suites, tables }: TestFile, name: string): 'runs' | 'skipped' | undefined => {
  const sources = [source, ...suites].map(withoutComments);
  const words = [...sources, ...tables].join('\n');
  const fitting = sources
    .flatMap(titlesIn)
    .filter(({ title, isTemplate }) => (isTemplate ? templateFits(title, name, words) : title === name));
  if (fitting.length > 0) return fitting.every(({ isOff }) => isOff) ? 'skipped' : 'runs';
  return isInTable(sources[0]!, tables, name) ? 'runs' : undefined;
};
