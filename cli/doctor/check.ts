import { spawnSync } from 'node:child_process';

/** `ok`; `missing`: not there; `limited`: there is a lesser way, and `found` says which. */
export type State = 'ok' | 'limited' | 'missing';

export type Finding = { readonly state: State; readonly found: string; readonly mend?: string };

/** One feature of the machine. `up` needs those marked so; the others say what else could be done. */
export type Check = {
  readonly feature: string;
  readonly neededBy: 'up' | 'test' | 'interop' | 'later';
  probe(): Finding | Promise<Finding>;
};

export const ok = (found: string): Finding => ({ state: 'ok', found });
export const missing = (found: string, mend: string): Finding => ({ state: 'missing', found, mend });
export const limited = (found: string, mend: string): Finding => ({ state: 'limited', found, mend });

export type Tried = { readonly succeeded: boolean; readonly stdout: string; readonly stderr: string };

/** Runs a program that takes a moment at most. */
export const attempt = (command: string, args: readonly string[], input = ''): Tried => {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', input, timeout: 5_000 });
  return { succeeded: status === 0, stdout: stdout ?? '', stderr: (error?.message ?? stderr ?? '').trim() };
};

/** Tries something in a network namespace that is gone with the process, so it leaves nothing behind. */
export const inFreshNamespace = (command: string, args: readonly string[], input?: string): Tried =>
  attempt('unshare', ['--net', command, ...args], input);

export const firstLine = (text: string): string => text.trim().split('\n')[0] ?? '';
