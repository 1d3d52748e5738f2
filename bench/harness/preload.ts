/** Makes Node load a module first, in every process that is started from now on and in its threads. */
import { pathToFileURL } from 'node:url';
import { scriptPath } from './forms.js';

/** `script` is a compiled file below dist. */
export function preloadEverywhere(script: string): void {
  const before = process.env['NODE_OPTIONS'];
  process.env['NODE_OPTIONS'] = `${before === undefined ? '' : `${before} `}--import=${pathToFileURL(scriptPath(script)).href}`;
}
