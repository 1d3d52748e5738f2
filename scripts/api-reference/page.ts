import type { Declaration } from './declarations.js';

export interface ReferencePage {
  /** What users import: `millrace/testing`. */
  readonly entry: string;
  readonly declarations: readonly Declaration[];
  readonly headOf: (module: string) => string;
}

/** One page for an entry point: its names in order of the modules that declare them. */
export function referencePage({ entry, declarations, headOf }: ReferencePage): string {
  const modules = [...new Set(declarations.map(({ module }) => module))].sort();
  const names = [...declarations].sort((left, right) => (left.name.toLowerCase() < right.name.toLowerCase() ? -1 : 1));
  const index = names.map(({ name }) => `[${name}](#${name.toLowerCase()})`).join(' · ');
  const sections = modules.map((module) => {
    const own = declarations.filter((declaration) => declaration.module === module);
    return [`## ${module}`, headOf(module), ...own.map(described)].filter((part) => part !== '').join('\n\n');
  });
  return `${[`# \`${entry}\``, 'Generated from the sources by `npm run docs:api`.', index, ...sections].join('\n\n')}\n`;
}

const described = ({ name, doc, code }: Declaration): string =>
  [`### ${name}`, doc.replaceAll(/\{@link (\w+)\}/g, '`$1`'), `\`\`\`typescript\n${code}\n\`\`\``]
    .filter((part) => part !== '')
    .join('\n\n');
