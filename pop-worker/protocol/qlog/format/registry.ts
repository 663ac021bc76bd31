import type { QlogFormat } from './format.ts';
import { legacy } from './legacy.ts';
import { sequential } from './sequential.ts';

/** Formats by the name that settings have for them: the current drafts', and the one that qvis loads. */
export const FORMATS = { sequential, '0.3': legacy } as const satisfies Readonly<Record<string, QlogFormat>>;
export type FormatName = keyof typeof FORMATS;

export const FORMAT_NAMES = Object.keys(FORMATS) as FormatName[];
