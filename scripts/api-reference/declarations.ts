/**
 * What an entry point of the package exports, read from the declarations that the compiler wrote.
 *
 * AD1  Every exported name is found where it is declared, however many files hand it on; a name that is not found is an
 *      error, so that the reference is never silently short.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseSync, type ExportNamedDeclaration, type Program } from 'oxc-parser';

/** An exported name, as the compiler declares it. */
export interface Declaration {
  readonly name: string;
  /** Below the directory of declarations, without its ending: `api/environment`. */
  readonly module: string;
  /** What stands before it as a doc comment, without the comment's marks. */
  readonly doc: string;
  /** Its declaration, with the doc comments of its members. Overloads stand together. */
  readonly code: string;
}

interface ParsedModule {
  readonly text: string;
  readonly program: Program;
}

/** The declarations behind `entry` (`index`), a module below `root`. */
export function exportedDeclarations(root: string, entry: string): readonly Declaration[] {
  return new DeclarationReader(root).exportsOf(entry);
}

/** The head comment of a module, up to its first empty line, as a sentence. */
export function headOf(root: string, module: string): string {
  const [, comment = ''] = /^\/\*\*([\s\S]*?)\*\//.exec(readFileSync(join(root, `${module}.d.ts`), 'utf8')) ?? [];
  const [first = ''] = withoutMarks(comment).split(/\n\s*\n/);
  return first.replaceAll('\n', ' ');
}

class DeclarationReader {
  readonly #root: string;
  readonly #modules = new Map<string, ParsedModule>();

  constructor(root: string) {
    this.#root = root;
  }

  exportsOf(module: string): readonly Declaration[] {
    return this.#namesOf(module).map(({ name, local, from }) => this.#find(local, from) ?? fail(name, module));
  }

  /** Every name a module exports, and the module it has it from. */
  #namesOf(module: string): readonly { readonly name: string; readonly local: string; readonly from: string }[] {
    const names = new Map<string, { readonly name: string; readonly local: string; readonly from: string }>();
    for (const statement of this.#parsed(module).program.body) {
      if (statement.type === 'ExportAllDeclaration') {
        for (const one of this.#namesOf(resolved(module, statement.source.value))) names.set(one.name, one);
      } else if (statement.type === 'ExportNamedDeclaration') {
        for (const one of namesOfStatement(statement, module)) names.set(one.name, one);
      }
    }
    return [...names.values()];
  }

  #find(name: string, module: string): Declaration | undefined {
    const { text, program } = this.#parsed(module);
    const statements = program.body.filter(
      (statement) => statement.type === 'ExportNamedDeclaration' && namesDeclared(statement).includes(name),
    );
    const [first, ...more] = statements;
    if (first !== undefined) {
      const code = [first, ...more].map(({ start, end }) => text.slice(start, end)).join('\n');
      return { name, module, doc: docBefore(text, first.start), code: shown(code) };
    }
    const origin = this.#namesOf(module).find((one) => one.name === name && one.from !== module);
    return origin === undefined ? undefined : this.#find(origin.local, origin.from);
  }

  #parsed(module: string): ParsedModule {
    let parsed = this.#modules.get(module);
    if (parsed === undefined) {
      const path = join(this.#root, `${module}.d.ts`);
      const text = readFileSync(path, 'utf8');
      const { program, errors } = parseSync(path, text);
      const [error] = errors;
      if (error !== undefined) throw new Error(`${path}: ${error.message}`);
      parsed = { text, program };
      this.#modules.set(module, parsed);
    }
    return parsed;
  }
}

function namesOfStatement(statement: ExportNamedDeclaration, module: string) {
  const from = statement.source === null ? module : resolved(module, statement.source.value);
  const listed = statement.specifiers.map(({ local, exported }) => ({ name: nameOf(exported), local: nameOf(local), from }));
  return [...listed, ...namesDeclared(statement).map((name) => ({ name, local: name, from: module }))];
}

function namesDeclared({ declaration }: ExportNamedDeclaration): readonly string[] {
  if (declaration === null) return [];
  if (declaration.type === 'VariableDeclaration') {
    return declaration.declarations.flatMap(({ id }) => (id.type === 'Identifier' ? [id.name] : []));
  }
  const id: unknown = 'id' in declaration ? declaration.id : null;
  return id !== null && typeof id === 'object' && 'name' in id && typeof id.name === 'string' ? [id.name] : [];
}

const nameOf = (name: { readonly type: string; readonly name?: string; readonly value?: unknown }): string =>
  name.name ?? String(name.value);

const resolved = (module: string, path: string): string => join(dirname(module), path).replace(/\.js$/, '');

/** The doc comment that ends right before `start`. */
function docBefore(text: string, start: number): string {
  const before = text.slice(0, start).trimEnd();
  if (!before.endsWith('*/')) return '';
  const from = before.lastIndexOf('/**');
  return from < 0 ? '' : withoutMarks(before.slice(from + 3, -2));
}

const withoutMarks = (comment: string): string =>
  comment
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, '').trimEnd())
    .join('\n')
    .trim();

/** Without what is nobody's business outside. */
const shown = (code: string): string =>
  code
    .replace(/^export (declare )?/gm, '')
    .replace(/^ {4}#private;\n/gm, '')
    .replace(/^ {4}(?:\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n {4})?(?:protected|private) .*\n/gm, '')
    .replace(/^ {4}/gm, '  ');

function fail(name: string, module: string): never {
  throw new Error(`${module} exports ${name}, which is declared nowhere.`);
}
