/**
 * Turns a job module into one file that any TaskManager can load.
 *
 * The runtime itself stays outside of the bundle, so that user code and runtime share one instance of it. TypeScript is
 * stripped, npm packages are taken in, source maps stay in the file, so that stack traces name the user's own lines.
 */
import { build, type BuildFailure, type Plugin } from 'esbuild';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { MillraceError } from '../../core/errors.js';

/** Native addons are files of one platform: they cannot travel in a bundle. */
const refuseNativeAddons: Plugin = {
  name: 'refuse-native-addons',
  setup(bundle) {
    bundle.onLoad({ filter: /\.node$/ }, ({ path }) => ({
      errors: [{ text: `${path} is a native addon and cannot be shipped to TaskManagers; use a package without one` }],
    }));
  },
};

/** The bundle's bytes. Throws `JOB_MODULE_BUILD_FAILED` with file, line and reason of each error. */
export async function bundleJob(path: string): Promise<Uint8Array> {
  const entry = resolve(path);
  try {
    const { outputFiles } = await build({
      entryPoints: [entry],
      bundle: true,
      write: false,
      // Nothing is written: this only makes the sources' names relative to the module, wherever it is bundled from.
      outdir: dirname(entry),
      allowOverwrite: true,
      sourceRoot: pathToFileURL(`${dirname(entry)}/`).href,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      sourcemap: 'inline',
      sourcesContent: false,
      external: ['millrace', 'millrace/*'],
      // What the module finds beside itself (data of an example) it must find from wherever its bundle runs.
      define: { 'import.meta.url': JSON.stringify(pathToFileURL(entry).href) },
      plugins: [refuseNativeAddons],
      logLevel: 'silent',
    });
    return (outputFiles[0] as { contents: Uint8Array }).contents;
  } catch (error) {
    const { errors = [] } = error as Partial<BuildFailure>;
    const reasons = errors.map(({ text, location }) => (location === null ? text : `${location.file}:${location.line}: ${text}`));
    const absent = errors.map(({ text }) => /^Could not resolve "([^."/][^"]*)"/.exec(text)?.[1]).filter((name) => name !== undefined);
    throw new MillraceError('JOB_MODULE_BUILD_FAILED', `${path} could not be bundled: ${reasons.join('; ') || String(error)}`, {
      domain: 'user',
      recovery: 'fail-job',
      where: path,
      ...(absent.length === 0 ? {} : { hint: `Install it where the job module is: npm install ${absent.join(' ')}.` }),
      cause: errors.length === 0 ? error : undefined,
    });
  }
}
