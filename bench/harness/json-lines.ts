/** What a program says on stdout or by IPC: an object with `ready` or `result`, or with whatever else is its way. */
export type Announcement = Readonly<Record<string, unknown>>;

const announcementOf = (line: string): Announcement | undefined => {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as Announcement;
  } catch {
    return undefined;
  }
};

/** Cuts what a program prints into lines, however the pieces arrive, and picks the JSON objects. */
export class JsonLines {
  #rest = '';

  /** @returns the announcements that this piece completes */
  push(text: string): Announcement[] {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    return lines.map(announcementOf).filter((value) => value !== undefined);
  }
}
