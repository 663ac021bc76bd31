/**
 * Takes the lock `cb.lock` of a folder when it is told to go. `once`: says whether it has it, and keeps it. Else: has it
 * many times, each time as one who dies with it, and says whether it ever was not alone.
 */
import fs from 'node:fs';
import path from 'node:path';
import { takeLock } from '../lock.ts';

const [folder = '', way] = process.argv.slice(2);
const lock = path.join(folder, 'cb.lock');
const inside = path.join(folder, 'inside');
const TIMES = 300;

const once = (): string => {
  try {
    takeLock(lock, 'cb');
    return 'taken';
  } catch (error) {
    return (error as Error).message.split(':')[0] ?? '';
  }
};

/** Leaves the lock as a process does that dies: to nobody who runs. */
const die = (time: number): void => {
  const left = path.join(folder, `left.${process.pid}`);
  fs.writeFileSync(left, JSON.stringify({ pid: process.pid, startTime: `dead-${time}` }));
  fs.rmSync(inside);
  fs.renameSync(left, lock);
};

const againAndAgain = (): string => {
  for (let time = 0; time < TIMES; ) {
    try {
      takeLock(lock, 'cb');
    } catch (error) {
      if (!(error as Error).message.includes('already up')) return (error as Error).message;
      continue;
    }
    try {
      fs.writeFileSync(inside, '', { flag: 'wx' });
    } catch {
      return 'two at once';
    }
    die(time++);
  }
  return 'never two';
};

process.on('message', () => process.send?.(way === 'once' ? once() : againAndAgain()));
process.send?.('ready');
