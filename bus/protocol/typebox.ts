/**
 * TypeBox from one file: the package is 700 modules, and loading them costs every process and every slot thread half a
 * second of CPU; the bundle that `npm run build` makes of it (scripts/bundle-typebox.ts) costs 25 ms. Without the bundle
 * (compiled by `tsc` alone) the package itself is loaded.
 */
import type TypeBuilder from 'typebox';
import type { Compile as CompileFunction } from 'typebox/compile';

interface TypeBox {
  readonly Type: typeof TypeBuilder;
  readonly Compile: typeof CompileFunction;
}

const bundle = new URL('../../vendor/typebox.js', import.meta.url).href;

async function load(): Promise<TypeBox> {
  try {
    return (await import(bundle)) as TypeBox;
  } catch {
    const [{ default: Type }, { Compile }] = await Promise.all([import('typebox'), import('typebox/compile')]);
    return { Type, Compile };
  }
}

export const { Type, Compile } = await load();
