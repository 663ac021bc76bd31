// Moves content of the internet host, prints one JSON object. usage: node lab/probes/main.ts download|upload BASE BYTES
import { contentSlices } from '../content.ts';
import { download, upload } from './transfer.ts';

const [what, base, bytes] = process.argv.slice(2);
const length = Number(bytes);
try {
  const transfer =
    what === 'upload'
      ? await upload(`${base}/upload`, [...contentSlices(0, length)])
      : await download(`${base}/bytes/${length}`);
  console.log(JSON.stringify(transfer));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
