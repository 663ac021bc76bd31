/** What each of several connections fetches: a file each, and what is left on the last one. */
export const shares = (paths: readonly string[], connections: number): string[][] =>
  Array.from({ length: connections }, (_, i) => paths.slice(i, i + 1 < connections ? i + 1 : paths.length));
