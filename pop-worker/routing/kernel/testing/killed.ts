// A process that wants routes and is killed; says `ready` when the kernel has them. Arguments: namespace, how many routes.
import { inNamespace } from '#host/testing/namespace.ts';
import { KernelRoutes } from '../kernel-routes.ts';
import { numbered } from './prefixes.ts';

const [, , path = '', count = '0'] = process.argv;
const routes = await inNamespace(path, () => KernelRoutes.open());
const way = routes.hops([
  { device: 'a0', gateway: '192.0.2.2' },
  { device: 'b0', gateway: '198.51.100.2' },
]);
for (let i = 0; i < Number(count); i++) routes.set(numbered(i), way);
routes.steer([{ order: 0, family: 4, from: '10.0.0.0/8', table: 20_300 }]);
await routes.settled();
console.log('ready');
setInterval(() => {}, 1000);
