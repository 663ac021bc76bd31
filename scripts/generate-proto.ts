/**
 * Generates `proto/gen` from `proto/cloudbridge`: `node scripts/generate-proto.ts`, with `--check` only says whether it is
 * up to date. The definitions of others that ours import are no part of the repository: they come, pinned, from packages.
 */
import { cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { $ } from 'zx';

const GOOGLE_API = 'googleapis-common-protos==1.76.0';
const VALIDATE = 'github.com/bufbuild/protovalidate@v1.2.2';
const CACHE = '.cloudbridge/cache/proto';
const GOOGLE_FILES = ['api/annotations', 'api/http', 'api/field_behavior', 'rpc/error_details'];

$.verbose = false;

const fetchDependencies = async (): Promise<void> => {
  const done = await readFile(join(CACHE, 'version'), 'utf8').catch(() => '');
  if (done === `${GOOGLE_API} ${VALIDATE} ${GOOGLE_FILES.join()}`) return;
  const temporary = await mkdtemp(join(tmpdir(), 'cloudbridge-proto-'));
  try {
    await $`pip install --quiet --no-deps --target ${temporary}/py ${GOOGLE_API}`;
    const module = JSON.parse(
      (
        await $({
          env: { ...process.env, GOPATH: `${temporary}/go`, GOFLAGS: '-modcacherw' },
        })`go mod download -json ${VALIDATE}`
      ).stdout,
    ) as { Dir: string };
    for (const folder of ['google/api', 'google/rpc']) await mkdir(join(CACHE, folder), { recursive: true });
    await mkdir(join(CACHE, 'buf/validate'), { recursive: true });
    for (const name of GOOGLE_FILES)
      await cp(`${temporary}/py/google/${name}.proto`, join(CACHE, `google/${name}.proto`));
    await cp(
      `${module.Dir}/proto/protovalidate/buf/validate/validate.proto`,
      join(CACHE, 'buf/validate/validate.proto'),
    );
    await $({ input: `${GOOGLE_API} ${VALIDATE} ${GOOGLE_FILES.join()}` })`tee ${join(CACHE, 'version')}`;
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
};

await fetchDependencies();
await $`buf lint`;
await $`buf generate`;
if (process.argv.includes('--check')) {
  const changed = (await $`git status --porcelain proto/gen`).stdout.trim();
  if (changed !== '') {
    console.error(
      'proto/gen is not what proto/cloudbridge generates: run node scripts/generate-proto.ts and commit the result',
    );
    process.exitCode = 1;
  }
}
