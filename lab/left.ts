/** What a lab's name is on, after its end. */
import fs from 'node:fs';
import path from 'node:path';

const isOf = (name: string, entry: string): boolean => entry.startsWith(`${name}-`) || entry.startsWith(`${name}.`);

/** Files and folders of a lab: lock, journal, and what it made for its programs. */
export const filesOf = (folder: string, name: string): string[] =>
  (fs.existsSync(folder) ? fs.readdirSync(folder) : [])
    .filter((entry) => isOf(name, entry))
    .map((entry) => path.join(folder, entry));

/** Mount points of a lab directly in one of these folders, or deeper in one of its own. proc_pid_mountinfo(5) */
export const mountsOf = (folders: readonly string[], name: string): string[] => {
  const points = fs
    .readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '');
  return points.filter((point) =>
    folders.some((folder) => point.startsWith(`${folder}/`) && isOf(name, point.slice(folder.length + 1))),
  );
};
