/** Which Millrace this is, and what it runs on: the first thing asked of a log. */
import { readFileSync } from 'node:fs';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { readonly version: string };

export const versions = { millrace: version, node: process.versions.node } as const;
