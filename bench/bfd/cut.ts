import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { runCommand } from '#lab/command.ts';

const TABLE = 'netdev cut';

const rules = (device: string): string =>
  `table ${TABLE} {\n${['ingress', 'egress']
    .map((hook) => `chain ${hook} { type filter hook ${hook} device "${device}" priority -500; drop; }\n`)
    .join('')}}\n`;

/** A cut of a link in both directions at once, which keeps its carrier. */
export interface Cut {
  /** @returns milliseconds since 1970 when it was asked for; it is there when this resolves */
  now(): Promise<number>;
  undo(): Promise<void>;
}

/** The program that cuts runs already and waits: what its start takes is no part of the moment. */
export const prepareCut = async (namespace: string, device: string): Promise<Cut> => {
  const args = ['--rr', '20', 'ip', 'netns', 'exec', namespace, 'nft', '-f', '-'];
  const child = spawn('chrt', args, { stdio: ['pipe', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  await once(child, 'spawn');
  return {
    now: async () => {
      const at = performance.timeOrigin + performance.now();
      child.stdin.end(rules(device));
      const [code] = (await once(child, 'exit')) as [number | null];
      if (code !== 0) throw new Error(`nft: ${errors}`);
      return at;
    },
    undo: async () => {
      await runCommand('ip', ['netns', 'exec', namespace, 'nft', 'delete', 'table', ...TABLE.split(' ')]);
    },
  };
};
