// Writes docs/api/quic.md: what `cloudbridge/quic` exports, from the declarations that TypeScript makes of it.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './setup/paths.mjs';

const ENTRY = 'pop-worker/library/index';
const PAGE = path.join(root, 'docs/api/quic.md');

/** What exported things are made of, and where it stands. */
const PARTS = {
  'pop-worker/protocol/quic/api': ['QuicConnection', 'HandshakeInfo', 'CloseInfo'],
  'pop-worker/protocol/quic/config': ['QuicConfig', 'EndpointConfig'],
  'pop-worker/host/tls/context': [
    'TlsServerContextOptions',
    'TlsClientContextOptions',
    'TlsCommonOptions',
    'TlsIdentity',
  ],
  'pop-worker/host/tls/single-use': ['RefusedEarlyData'],
} as const;

/** Declares everything that the entry reaches. @returns the folder, to be removed */
const declare = (): string => {
  const out = mkdtempSync(path.join(root, '.docs-api-'));
  const project = path.join(out, 'tsconfig.json');
  const options = { noEmit: false, declaration: true, emitDeclarationOnly: true, stripInternal: true };
  const compilerOptions = { ...options, outDir: 'out', rootDir: root };
  writeFileSync(project, JSON.stringify({ extends: '../tsconfig.json', compilerOptions, include: [`../${ENTRY}.ts`] }));
  execFileSync(path.join(root, 'node_modules/.bin/tsc'), ['-p', project], { stdio: ['ignore', 'inherit', 'inherit'] });
  return out;
};

/** The declaration of a name with its comment. */
const declarationOf = (source: string, name: string): string => {
  const found = new RegExp(`^export (?:declare )?(?:interface|type|class|const|function) ${name}\\b`, 'm').exec(source);
  if (found === null) throw new Error(`there is no declaration of ${name}`);
  const after = source.slice(found.index);
  const end = /\n(?=\/\*\*|export |import |declare |type |interface |const )/.exec(after)?.index ?? after.length;
  const before = source.slice(0, found.index);
  const comment = /\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n$/.exec(before)?.[0];
  if (comment === undefined) throw new Error(`${name} has no comment: say what it is, with units and errors`);
  return `${comment}${after.slice(0, end).trimEnd()}`.replaceAll(/^ +#private;\n/gm, '');
};

const section = (source: string, name: string): string =>
  `## ${name}\n\n\`\`\`ts\n${declarationOf(source, name)}\n\`\`\`\n`;

const formatted = (page: string): string =>
  execFileSync(path.join(root, 'node_modules/.bin/biome'), ['format', '--stdin-file-path', PAGE], {
    input: page,
    encoding: 'utf8',
  });

/** The page as it should be. */
export const apiPage = (): string => {
  const folder = declare();
  try {
    const read = (file: string): string => readFileSync(path.join(folder, 'out', `${file}.d.ts`), 'utf8');
    const sections: string[] = [];
    for (const [, names = '', from = ''] of read(ENTRY).matchAll(
      /^export (?:type )?\{([^}]*)\} from '\.\/(.*)\.ts';$/gm,
    )) {
      const source = read(path.join(path.dirname(ENTRY), from));
      for (const name of names.split(',')) sections.push(section(source, name.replace('type ', '').trim()));
    }
    for (const [file, names] of Object.entries(PARTS)) {
      for (const name of names) sections.push(section(read(file), name));
    }
    const head = `# cloudbridge/quic\n\nWritten by \`npm run docs:api\` from the types. [quic.md](../quic.md) tells how they are used.\n`;
    return formatted([head, ...sections].join('\n'));
  } finally {
    rmSync(folder, { recursive: true });
  }
};

if (import.meta.main) writeFileSync(PAGE, apiPage());
