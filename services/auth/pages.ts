import type { Context } from './middleware.ts';

const ESCAPES: Readonly<{ [char: string]: string }> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (char) => ESCAPES[char] ?? '');

const STYLE = `:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;margin:0;display:grid;place-items:center;min-height:100vh}
main{width:min(22rem,90vw)}h1{font-size:1.25rem}label{display:block;margin:.75rem 0}input[type=text],input[type=password]{box-sizing:border-box;width:100%;padding:.5rem;font:inherit}
button{padding:.5rem 1rem;font:inherit}.error{color:#c00}code{font-size:1.5rem;letter-spacing:.1em}`;

/** A page without scripts or anything from elsewhere. */
export const sendPage = (ctx: Pick<Context, 'set' | 'type' | 'body'>, title: string, body: string): void => {
  ctx.set({
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    'x-frame-options': 'DENY',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
  });
  ctx.type = 'text/html; charset=utf-8';
  ctx.body = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title><style>${STYLE}</style><main><h1>${escapeHtml(title)}</h1>${body}</main></html>`;
};

export const loginForm = (userName: string, problem: string | undefined): string => `
${problem === undefined ? '' : `<p class="error" role="alert">${escapeHtml(problem)}</p>`}
<form method="post"><label>User name <input type="text" name="username" autocomplete="username" required autofocus value="${escapeHtml(userName)}"></label>
<label>Password <input type="password" name="password" autocomplete="current-password" required></label>
<button name="action" value="login">Sign in</button></form>`;

export const consentForm = (client: string): string => `
<p>${escapeHtml(client)} wants to act as you.</p>
<form method="post"><button name="action" value="allow" autofocus>Allow</button> <button name="action" value="refuse">Refuse</button></form>`;
