import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Why such a test cannot run here, or false. */
export const needsNamespaces: string | false =
  process.getuid?.() !== 0 ? 'needs root to make network namespaces' : missing();

function missing(): string | false {
  for (const tool of ['ip', 'nft', 'curl', 'ping']) {
    try {
      execFileSync('sh', ['-c', `command -v ${tool}`]);
    } catch {
      return `needs ${tool}`;
    }
  }
  try {
    readFileSync('/proc/net/dev');
    return false;
  } catch {
    return 'needs /proc';
  }
}
