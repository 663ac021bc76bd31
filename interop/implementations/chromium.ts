import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { SERVER_NAME } from '#bench/harness/identity.ts';
import { chromiumPeer } from '#scripts/setup/debian-peers.mjs';
import type { ClientImplementation } from './implementation.ts';

export const CHROMIUM = 'chromium';
const FETCH = fileURLToPath(new URL('../peers/chromium/fetch.ts', import.meta.url));

/** Fetches all paths at once and shows each in base64. */
const pageFor = (paths: readonly string[]): string => `<!doctype html><title>files</title><body><script>
const show = async (path) => {
  const bytes = new Uint8Array(await (await fetch(path)).arrayBuffer());
  const shown = document.createElement('i');
  shown.id = path;
  shown.textContent = bytes.toBase64();
  document.body.append(shown);
};
for (const path of ${JSON.stringify(paths)}) show(path);
</script>
`;

/** A browser is a client, of HTTP/3 where QUIC is concerned. */
export const chromium: ClientImplementation = {
  name: CHROMIUM,
  onlyHttp3: true,
  fileClient: () => ({
    of: CHROMIUM,
    commands: async ({ folders, host, port }) => {
      const { program, libraries } = await chromiumPeer();
      const page = 'page.html';
      writeFileSync(path.join(folders.www, page), pageFor(folders.paths));
      return [
        {
          name: 'Chromium',
          command: process.execPath,
          args: [
            ...[FETCH, '--chromium', program, '--host', host, '--port', String(port), '--name', SERVER_NAME],
            ...['--cert', folders.certificate, '--page', `/${page}`, '--download', folders.download, ...folders.paths],
          ],
          ...(libraries !== '' && { env: { LD_LIBRARY_PATH: libraries } }),
        },
      ];
    },
  }),
};
