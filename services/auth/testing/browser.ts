/** What a person's browser does: keeps cookies by path, follows redirects, fills in forms. */
export class Browser {
  readonly #cookies = new Map<string, { readonly value: string; readonly path: string }>();

  async get(url: string): Promise<Response> {
    return this.#send(url, {});
  }

  async post(url: string, form: Readonly<{ [field: string]: string }>): Promise<Response> {
    return this.#send(url, { method: 'POST', body: new URLSearchParams(form) });
  }

  /** Follows redirects as long as they stay on this host. @returns the last answer, or where it leads away */
  async follow(response: Response): Promise<{ page: Response; url: string } | { away: URL }> {
    let [page, url] = [response, response.url];
    for (let hops = 0; hops < 12; hops++) {
      const location = page.headers.get('location');
      if (location === null) return { page, url };
      const next = new URL(location, url);
      if (next.host !== new URL(url).host) return { away: next };
      url = next.href;
      page = await this.get(url);
    }
    throw new Error('too many redirects');
  }

  /** Goes to an authorization request, signs in, and comes to where it leads away. */
  async signIn(url: string, username: string, password: string): Promise<URL> {
    const asked = await this.follow(await this.get(url));
    if ('away' in asked) return asked.away;
    const answer = await this.follow(await this.post(asked.url, { action: 'login', username, password }));
    if ('away' in answer) return answer.away;
    throw new Error(`not signed in: ${answer.page.status} ${await answer.page.text()}`);
  }

  async #send(url: string, init: RequestInit): Promise<Response> {
    const { pathname } = new URL(url);
    const fitting = [...this.#cookies].filter(([, { path }]) => pathname.startsWith(path));
    const cookie = fitting.map(([name, { value }]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, { ...init, redirect: 'manual', headers: { cookie, accept: 'text/html' } });
    for (const text of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = text.split(/; */);
      const [name = '', value = ''] = pair.split('=');
      const path = attributes.find((attribute) => /^path=/i.test(attribute))?.slice(5) ?? '/';
      if (value === '') this.#cookies.delete(name);
      else this.#cookies.set(name, { value, path });
    }
    return response;
  }
}

/** A hidden field of a form. */
export const fieldOf = (html: string, name: string): string =>
  new RegExp(`name="${name}" value="([^"]*)"`).exec(html)?.[1] ?? '';
