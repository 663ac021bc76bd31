// The lab's internet host. usage: node lab/internet-host.ts ADDRESS PORT [ADDRESS PORT ...]; port 0: the system chooses.
import { createInternetService, listen } from './internet-service.ts';

const words = process.argv.slice(2);
const ports: number[] = [];
for (let i = 0; i < words.length; i += 2) {
  const port = await listen(createInternetService(), words[i]!, Number(words[i + 1]));
  console.log(`listening on ${words[i]} port ${port}`);
  ports.push(port);
}
process.send?.({ ports });
