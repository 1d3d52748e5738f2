/** Module resolution inside a test file's process: whoever imports `uvu` gets {@link file://./bounded-uvu.ts}. */
import type { ResolveHook } from 'node:module';

const boundedUvu = new URL('./bounded-uvu.js', import.meta.url).href;

export const resolve: ResolveHook = (specifier, context, nextResolve) =>
  specifier === 'uvu' && context.parentURL !== boundedUvu ? { url: boundedUvu, shortCircuit: true } : nextResolve(specifier, context);
