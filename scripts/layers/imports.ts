/** Every import of a TypeScript file, found in its syntax tree (Prettier's parser), not by pattern. */
import { parsers } from 'prettier/plugins/typescript';
import type { ParserOptions } from 'prettier';

export interface ImportOfFile {
  readonly specifier: string;
  readonly line: number;
  /** Gone at run time: `import type`, `export type`, `import('…').T`, or each name marked `type`. */
  readonly isTypeOnly: boolean;
}

type Tree = Readonly<Record<string, unknown>>;

/** Static and dynamic imports, re-exports, `require` calls and type imports of `text`, in the order of the text. */
export async function importsOf(path: string, text: string): Promise<readonly ImportOfFile[]> {
  const tree: unknown = await parsers.typescript.parse(text, { filepath: path } as ParserOptions);
  const found: ImportOfFile[] = [];
  visit(tree, found);
  return found.sort((left, right) => left.line - right.line);
}

function visit(value: unknown, found: ImportOfFile[]): void {
  if (Array.isArray(value)) {
    for (const each of value) visit(each, found);
    return;
  }
  if (!isTree(value)) return;
  const hit = importAt(value);
  if (hit !== undefined) found.push(hit);
  for (const [field, child] of Object.entries(value)) {
    if (field !== 'loc' && field !== 'range' && field !== 'comments' && field !== 'tokens') visit(child, found);
  }
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
  const start = isTree(node['loc']) && isTree(node['loc']['start']) ? node['loc']['start'] : {};
  return { specifier: literal['value'], line: Number(start['line'] ?? 0), isTypeOnly };
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null;
}
