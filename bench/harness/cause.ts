const SHOWN_LINES = 3;

/** What a program wrote to stderr, in one line for people: where there is one, the line that names the error. */
export const causeOf = (stderr: string): string => {
  const lines = stderr
    .trimEnd()
    .split('\n')
    .filter((line) => line.trim() !== '');
  // Node prints the stack below it, and its own version last.
  const named = lines.find((line) => /^\w*Error\b/.test(line));
  return named ?? lines.slice(-SHOWN_LINES).join(' | ');
};
