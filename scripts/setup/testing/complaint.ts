import { spawnSync } from 'node:child_process';
import { root } from '../paths.mjs';

/** What a maker of peers says where PATH leads to this folder only. @param call `goPeers()`, say, of `go-peers.mjs` */
export const complaint = (folder: string, module: string, call: string): string => {
  const script = `import * as peers from './scripts/setup/${module}'; await peers.${call}.catch((e) => console.log(e.name + ': ' + e.message));`;
  const args = ['--input-type=module', '-e', script];
  return spawnSync(process.execPath, args, { cwd: root, env: { PATH: folder }, encoding: 'utf8' }).stdout;
};
