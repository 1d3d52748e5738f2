import { fileURLToPath } from 'node:url';

/** Where package.json is. */
export const repositoryRoot = fileURLToPath(new URL('../../../', import.meta.url));
