/** What a program under test says on stdout, a JSON object a line; other lines are its own affair. */
export type Announcement = { readonly ready: unknown } | { readonly result: unknown };

const announcementOf = (line: string): Announcement | undefined => {
  if (!line.startsWith('{')) return undefined;
  try {
    const value = JSON.parse(line) as object;
    return 'ready' in value || 'result' in value ? (value as Announcement) : undefined;
  } catch {
    return undefined;
  }
};

/** Cuts what a program prints into lines, however the pieces arrive, and picks the announcements. */
export class JsonLines {
  #rest = '';

  /** @returns the announcements that this piece completes */
  push(text: string): Announcement[] {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    return lines.map(announcementOf).filter((value) => value !== undefined);
  }
}
