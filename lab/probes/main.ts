// Moves content of the internet host, prints one JSON object.
// usage: node lab/probes/main.ts download|resume|upload BASE BYTES, or small BASE COUNT
import { contentSlices } from '../content.ts';
import { downloadResumed } from './resume.ts';
import { smallRequests } from './small.ts';
import { download, upload } from './transfer.ts';

const [what, base, amount] = process.argv.slice(2);
const number = Number(amount);
const probes = {
  download: () => download(`${base}/bytes/${number}`),
  resume: () => downloadResumed(`${base}/bytes/${number}`),
  upload: () => upload(`${base}/upload`, [...contentSlices(0, number)]),
  small: () => smallRequests(`${base}/small`, number),
};
try {
  console.log(JSON.stringify(await probes[what as keyof typeof probes]()));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
