import type Provider from 'oidc-provider';

/** The provider is a Koa app; these are its types, as it brings them. */
export type Middleware = Parameters<Provider['use']>[0];
export type Context = Parameters<Middleware>[0];
