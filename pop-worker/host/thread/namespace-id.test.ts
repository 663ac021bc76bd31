import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { test } from 'node:test';
import { inNamespace, ip, needsRoot } from '../testing/namespace.ts';
import { namespaceId } from './namespace-id.ts';

test('a namespace keeps its name, and a later one with the same inode has another', { skip: needsRoot }, (t) => {
  const name = `cbt-id-${process.pid}`;
  const path = `/run/netns/${name}`;
  t.after(() => ip('netns', 'delete', name));
  const seen = new Map<number, string>();
  for (let i = 0; i < 500; i++) {
    ip('netns', 'add', name);
    const { ino } = statSync(path);
    const id = inNamespace(path, namespaceId);
    assert.equal(inNamespace(path, namespaceId), id);
    assert.ok(![...seen.values(), namespaceId()].includes(id), id);
    if (seen.has(ino)) return;
    seen.set(ino, id);
    ip('netns', 'delete', name);
  }
  assert.fail('the kernel gave no inode out anew');
});
