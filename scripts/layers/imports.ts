/** What a TypeScript file does when it is loaded, found in its syntax tree (Prettier's parser), not by pattern. */
import { parsers } from 'prettier/plugins/typescript';
import type { ParserOptions } from 'prettier';

export interface ImportOfFile {
  readonly specifier: string;
  readonly line: number;
  /** Gone at run time: `import type`, `export type`, `import('…').T`, or each name marked `type`. */
  readonly isTypeOnly: boolean;
}

type Tree = Readonly<Record<string, unknown>>;

export interface LoadOfFile {
  /** Static and dynamic imports, re-exports, `require` calls and type imports, in the order of the text. */
  readonly imports: readonly ImportOfFile[];
  /** Lines that await outside of any function. */
  readonly awaits: readonly number[];
}

/** Reads `text`, the content of the file at `path`. */
export async function loadOf(path: string, text: string): Promise<LoadOfFile> {
  const tree: unknown = await parsers.typescript.parse(text, { filepath: path } as ParserOptions);
  const imports: ImportOfFile[] = [];
  visit(tree, imports);
  const awaits: number[] = [];
  visitTopLevel(tree, awaits);
  return { imports: imports.sort((left, right) => left.line - right.line), awaits };
}

/** The imports alone. */
export async function importsOf(path: string, text: string): Promise<readonly ImportOfFile[]> {
  return (await loadOf(path, text)).imports;
}

const aside = new Set(['loc', 'range', 'comments', 'tokens']);
const functions = new Set([
  'FunctionDeclaration',
  'FunctionExpression',
  'ArrowFunctionExpression',
  'MethodDefinition',
  'TSEmptyBodyFunctionExpression',
]);

function visitTopLevel(value: unknown, awaits: number[]): void {
  if (Array.isArray(value)) {
    for (const each of value) visitTopLevel(each, awaits);
    return;
  }
  if (!isTree(value) || functions.has(String(value['type']))) return;
  if (value['type'] === 'AwaitExpression' || (value['type'] === 'ForOfStatement' && value['await'] === true)) awaits.push(lineOf(value));
  for (const child of childrenOf(value)) visitTopLevel(child, awaits);
}

function visit(value: unknown, found: ImportOfFile[]): void {
  if (Array.isArray(value)) {
    for (const each of value) visit(each, found);
    return;
  }
  if (!isTree(value)) return;
  const hit = importAt(value);
  if (hit !== undefined) found.push(hit);
  for (const child of childrenOf(value)) visit(child, found);
}

function childrenOf(node: Tree): readonly unknown[] {
  return Object.entries(node).flatMap(([field, child]) => (aside.has(field) ? [] : [child]));
}

function lineOf(node: Tree): number {
  const start = isTree(node['loc']) && isTree(node['loc']['start']) ? node['loc']['start'] : {};
  return Number(start['line'] ?? 0);
}

function importAt(node: Tree): ImportOfFile | undefined {
  switch (node['type']) {
    case 'ImportDeclaration':
      return literalImport(node, node['source'], node['importKind'] === 'type' || everyNameIsType(node['specifiers']));
    case 'ExportNamedDeclaration':
      return literalImport(node, node['source'], node['exportKind'] === 'type' || everyNameIsType(node['specifiers']));
    case 'ExportAllDeclaration':
      return literalImport(node, node['source'], node['exportKind'] === 'type');
    case 'TSImportType':
      return literalImport(node, node['source'] ?? node['argument'], true);
    case 'TSExternalModuleReference':
      return literalImport(node, node['expression'], false);
    case 'ImportExpression':
      return literalImport(node, node['source'], false);
    case 'CallExpression': {
      const callee = node['callee'];
      const isRequire = isTree(callee) && callee['type'] === 'Identifier' && callee['name'] === 'require';
      return isRequire && Array.isArray(node['arguments']) ? literalImport(node, node['arguments'][0], false) : undefined;
    }
    default:
      return undefined;
  }
}

/** With `verbatimModuleSyntax` an import of types alone still loads its module, unless the declaration itself says `type`. */
function everyNameIsType(specifiers: unknown): boolean {
  if (!Array.isArray(specifiers) || specifiers.length === 0) return false;
  return specifiers.every((each) => isTree(each) && (each['importKind'] === 'type' || each['exportKind'] === 'type'));
}

function literalImport(node: Tree, source: unknown, isTypeOnly: boolean): ImportOfFile | undefined {
  if (!isTree(source)) return undefined;
  const literal = isTree(source['literal']) ? source['literal'] : source;
  if (typeof literal['value'] !== 'string') return undefined;
  return { specifier: literal['value'], line: lineOf(node), isTypeOnly };
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null;
}
