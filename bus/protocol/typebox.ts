/**
 * TypeBox from one file: the package is 700 modules, and loading them costs every process and every slot thread half a
 * second of CPU; the bundle that `npm run build` makes of it (scripts/bundle-typebox.ts) costs 25 ms. Without the bundle
 * (compiled by `tsc` alone) the package itself is loaded.
 *
 * Loaded by `require`, not by a top-level `await import`: on Node 22 and 24, a thread that is terminated while a module
 * awaits at its top level aborts the whole process ("Check failed: (location_) != nullptr").
 */
import { createRequire } from 'node:module';
import type TypeBuilder from 'typebox';
import type { Compile as CompileFunction } from 'typebox/compile';

interface TypeBox {
  readonly Type: typeof TypeBuilder;
  readonly Compile: typeof CompileFunction;
}

const require = createRequire(import.meta.url);

function load(): TypeBox {
  try {
    return require('../../vendor/typebox.cjs') as TypeBox;
  } catch {
    const { default: Type } = require('typebox') as { readonly default: typeof TypeBuilder };
    const { Compile } = require('typebox/compile') as { readonly Compile: typeof CompileFunction };
    return { Type, Compile };
  }
}

export const { Type, Compile } = load();
