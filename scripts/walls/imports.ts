import path from 'node:path';
import type { Aliases } from './biome-overrides.ts';
import { CORE_BASE, isCore, isTest, type Wall, wallOf } from './table.ts';

const IMPORT =
  /^(?:import|export)\b[^'"`;=]*\bfrom\s*['"]([^'"]+)['"]|^import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm;

/** What a file imports, as written. */
export const importsOf = (source: string): string[] =>
  [...source.matchAll(IMPORT)].map((match) => (match[1] ?? match[2] ?? match[3])!);

export type Violation = {
  readonly file: string;
  readonly problem: string;
  /** What to write instead, where that is known. */
  readonly rewrite?: { readonly from: string; readonly to: string };
};

/** `pop-worker/protocol/ip/text.ts` as `#protocol/ip/text.ts`: by the alias that reaches deepest. */
const aliasFor = (target: string, aliases: Aliases): string | undefined => {
  const fitting = aliases.filter(({ folder }) => target.startsWith(`${folder}/`));
  const deepest = fitting.sort((a, b) => b.folder.length - a.folder.length)[0];
  return deepest && `${deepest.alias}${target.slice(deepest.folder.length)}`;
};

const checkRelative = (file: string, wall: Wall, from: string, aliases: Aliases): Violation | undefined => {
  const target = path.posix.join(path.posix.dirname(file), from);
  if (target === 'package.json') return undefined;
  const folder = wallOf(target)?.folder;
  if (folder === wall.folder || (isCore(wall) && folder === CORE_BASE)) return undefined;
  const to = aliasFor(target, aliases);
  const problem = `\`${from}\` leaves ${wall.folder} by a relative path`;
  return to === undefined ? { file, problem } : { file, problem: `${problem}: write \`${to}\``, rewrite: { from, to } };
};

/**
 * What the linter's patterns cannot say about one file: relative imports stay inside their folder, cores import no
 * packages, every folder has a wall. `file` is relative to the top of the clone.
 */
export const wallViolations = (file: string, source: string, aliases: Aliases): Violation[] => {
  const wall = wallOf(file);
  if (wall === undefined) return [{ file, problem: 'its folder has no row in scripts/walls/table.ts' }];
  return importsOf(source).flatMap((specifier) => {
    if (specifier.startsWith('.')) return checkRelative(file, wall, specifier, aliases) ?? [];
    if (isCore(wall) && !isTest(file) && !specifier.startsWith('#')) {
      return [{ file, problem: `a protocol core imports no package, but there is \`${specifier}\`` }];
    }
    return [];
  });
};
