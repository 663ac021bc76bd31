import fs from 'node:fs';
import path from 'node:path';
import { checkName, labFolder } from './lab.ts';

/** The admin sockets of a lab's workers; none when it is not up. Throws `LabError` on what is no name for a lab. */
export const workerSockets = (lab: string): string[] => {
  checkName(lab);
  const folder = labFolder(lab, 'edge');
  if (!fs.existsSync(folder)) return [];
  const names = fs.readdirSync(folder).filter((name) => name.endsWith('.sock'));
  return names.sort().map((name) => path.join(folder, name));
};
