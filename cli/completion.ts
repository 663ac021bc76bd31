import { COMMON_OPTIONS, type Command, type Options } from './command.ts';
import { findCommand, splitLeading } from './parse.ts';

const optionsOf = (command: Command): Options => ({ ...command.options, ...COMMON_OPTIONS });

const choicesAfter = (command: Command, word: string): readonly string[] | undefined => {
  const match = Object.entries(optionsOf(command)).find(
    ([name, { short }]) => word === `--${name}` || (short !== undefined && word === `-${short}`),
  );
  if (match === undefined || match[1].type === 'boolean') return undefined;
  return match[1].type === 'string' ? (match[1].choices ?? match[1].suggest?.() ?? []) : [];
};

const namesOf = (command: Command): string[] =>
  Object.entries(optionsOf(command)).flatMap(([name, option]) =>
    option.type === 'boolean' && option.negatable ? [`--${name}`, `--no-${name}`] : [`--${name}`],
  );

/** What may stand as the next word after the command's name. */
const wordsAfter = ({ positionals = [] }: Command): readonly string[] =>
  positionals.flatMap(({ choices, suggest }) => choices ?? suggest?.() ?? []);

const nextWords = (commands: readonly Command[], before: readonly string[]): string[] =>
  commands
    .map(({ name }) => name.split(' '))
    .filter((words) => words.length > before.length && before.every((word, i) => words[i] === word))
    .map((words) => words[before.length]!);

/** What may stand where the last of `words` (perhaps empty) is being typed. */
export const candidates = (commands: readonly Command[], words: readonly string[]): string[] => {
  const before = splitLeading(words.slice(0, -1)).rest;
  const typed = words.at(-1) ?? '';
  const found = findCommand(commands, before);
  let all = nextWords(commands, before);
  if (found !== undefined) {
    const values = choicesAfter(found.command, before.at(-1) ?? '');
    const names = typed.startsWith('-') ? namesOf(found.command) : [];
    all = values ? [...values] : [...all, ...wordsAfter(found.command), ...names];
  }
  return [...new Set(all)].filter((candidate) => candidate.startsWith(typed)).sort();
};

/** Scripts that ask the command itself, so they never fall behind it. */
export const SCRIPTS = {
  bash: `_cloudbridge() {
  local IFS=$'\\n'
  COMPREPLY=($("\${COMP_WORDS[0]}" complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _cloudbridge cloudbridge ./cloudbridge`,
  zsh: `#compdef cloudbridge
_cloudbridge() {
  local -a found
  found=("\${(@f)$(\${words[1]} complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  compadd -- $found
}
compdef _cloudbridge cloudbridge`,
  fish: `complete -c cloudbridge -f -a '(cloudbridge complete -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'`,
} as const;
