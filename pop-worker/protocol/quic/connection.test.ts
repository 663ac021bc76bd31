import { testPorts } from './testing/pair.ts';
import { SeededRandom } from './testing/random.ts';
import { closingSuite } from './testing/suite-closing.ts';
import { earlyDataSuite } from './testing/suite-early.ts';
import { ecnSuite } from './testing/suite-ecn.ts';
import { endpointSuite } from './testing/suite-endpoint.ts';
import { firstByteSuite } from './testing/suite-first-byte.ts';
import { handshakeSuite } from './testing/suite-handshake.ts';
import { lossSuite } from './testing/suite-loss.ts';
import { migrationSuite } from './testing/suite-migration.ts';
import { pathSuite } from './testing/suite-paths.ts';
import { transferSuite } from './testing/suite-transfer.ts';
import { earlyVersionSuite, versionSuite } from './testing/suite-versions.ts';

const ports = (seed: number) => testPorts(new SeededRandom(seed));

transferSuite('test ports', ports);
handshakeSuite('test ports', ports);
closingSuite('test ports', ports);
endpointSuite('test ports', ports);
versionSuite('test ports', ports);
earlyVersionSuite('test ports', ports);
pathSuite('test ports', ports);
firstByteSuite('test ports', ports);
migrationSuite('test ports', ports);
ecnSuite('test ports', ports);
lossSuite('test ports', ports, 8);
earlyDataSuite('test ports', (accepts) => testPorts(new SeededRandom(1), 900, accepts));
