/** A test that a SPEC.md names as the proof of a requirement. */
export type Citation = { readonly file: string; readonly test: string | undefined };

// `file.test.ts` › "name of the test"; the backticks may be left out, and the name where the whole file is meant.
const CITATION = /`?([\w./-]+\.test\.ts)`?(?:\s*›\s*(?:"([^"]+)"|“([^”]+)”|`([^`]+)`))?/g;

export const citationsIn = (markdown: string): Citation[] =>
  [...markdown.matchAll(CITATION)].map(([, file, ...names]) => ({
    file: file!,
    test: names.find((name) => name !== undefined),
  }));

const TITLE =
  /\b(?:test|it|describe|suite)(?:\.\w+)?\(\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|`((?:[^`\\]|\\.)*)`)/g;

const withoutEscapes = (text: string): string => text.replace(/\\(.)/g, '$1');

/** A template's holes fit any text. */
const templateFits = (template: string, name: string): boolean => {
  const parts = template.split(/\$\{[^}]*\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's').test(name);
};

/** Does a test file hold a test (or a group of tests) of this name? */
export const hasTest = (source: string, name: string): boolean =>
  [...source.matchAll(TITLE)].some(([, single, double, template]) => {
    const plain = single ?? double;
    return plain === undefined ? templateFits(withoutEscapes(template!), name) : withoutEscapes(plain) === name;
  });
