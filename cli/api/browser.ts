import { spawn } from 'node:child_process';

/** Whether a person sits at this machine, with windows to look at. */
export const hasBrowser = (env: NodeJS.ProcessEnv = process.env): boolean => {
  if (env['SSH_CONNECTION']) return false;
  return process.platform === 'darwin' || Boolean(env['DISPLAY'] || env['WAYLAND_DISPLAY']);
};

/** Shows a page in the person's browser if one can be started; the address must be told besides. */
export const openBrowser = (url: string): void => {
  const child = spawn(process.platform === 'darwin' ? 'open' : 'xdg-open', [url], { stdio: 'ignore', detached: true });
  // There is none: the person opens the address.
  child.on('error', () => undefined);
  child.unref();
};
