import type { JsonObject } from '@bufbuild/protobuf';

interface Operation {
  readonly summary: string;
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly description?: string }[];
}

const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2430}
h2{margin-top:2rem}details{border-bottom:1px solid #dde3ea;padding:.4rem 0}code{font:14px ui-monospace,monospace}
.m{display:inline-block;width:4.5rem;font-weight:600}small{color:#5b6878}`;

/** A page of its own that lists the operations; loads nothing from elsewhere. */
export const docsPage = (document: JsonObject): Response => {
  const byTag = new Map<string, string[]>();
  const { paths } = document as unknown as { paths: Record<string, Record<string, Operation>> };
  for (const [path, item] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(item)) {
      const tag = operation.tags[0] ?? '';
      byTag.set(tag, [...(byTag.get(tag) ?? []), operationHtml(path, method, operation)]);
    }
  }
  const sections = [...byTag].map(([tag, operations]) => `<h2>${escapeHtml(tag)}</h2>${operations.join('')}`).join('');
  const html = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>CloudBridge API</title><style>${STYLE}</style><h1>CloudBridge API</h1>
<p>Machine-readable: <a href="/openapi.json">OpenAPI 3.0</a>, <a href="/openapi-3.1.json">OpenAPI 3.1</a>. The same calls are
served as gRPC, gRPC-Web and Connect under <code>/cloudbridge.v1.&lt;Service&gt;/&lt;Method&gt;</code>. Send an access token as
<code>Authorization: Bearer …</code>.</p>${sections}</html>`;
  return new Response(html, {
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
    },
  });
};

const operationHtml = (path: string, method: string, operation: Operation): string => {
  const parameters = operation.parameters
    .map(
      (parameter) =>
        `<li><code>${escapeHtml(parameter.name)}</code> <small>${escapeHtml(parameter.in)}</small> ${escapeHtml(parameter.description ?? '')}</li>`,
    )
    .join('');
  return `<details id="${escapeHtml(operation.operationId)}"><summary><span class="m">${escapeHtml(method.toUpperCase())}</span>
<code>${escapeHtml(path)}</code> <small>${escapeHtml(operation.summary)}</small></summary><ul>${parameters}</ul></details>`;
};
