/** The page of configuration keys, as Markdown. Depends on the declarations alone. */
import type { Option } from '../../core/configuration/option.js';
import { optionGroups } from '../../core/configuration/options.js';
import { environmentName } from '../../core/configuration/sources.js';

const introduction = `<!-- Written by \`npm run docs:configuration\` from core/configuration/options/. Do not edit. -->

# Configuration

A key gets its value from the last of these that names it:

1. its default,
2. the configuration file (YAML or JSON, keys flat or nested),
3. the environment: \`MILLRACE_\` and the key in capitals, everything but letters and digits as \`_\`
   (\`${optionGroups[0]?.options[0]?.key}\` is \`${environmentName(optionGroups[0]?.options[0]?.key ?? '')}\`),
4. flags: \`-D key=value\`,
5. for settings of a job, what its builder says (\`env.enableCheckpointing('10 s')\`).

An unknown key or a bad value is an error that names the key and the place it came from.

Durations are written like \`500 ms\`, \`10 s\`, \`5 min\`, \`1 h\` or as a number of milliseconds, sizes like \`64 kb\` or \`1 mb\` (of 1024) or as a number of bytes.
The keys are those of Apache Flink wherever Flink has them. Secrets are never logged or shown.
`;

export function configurationPage(groups: typeof optionGroups): string {
  return [introduction, ...groups.map((group) => `## ${group.title}\n\n${table(group.options)}`)].join('\n');
}

function table(options: readonly Option<unknown>[]): string {
  const rows = options.map(
    (option) => `| \`${option.key}\` | ${defaultOf(option)} | ${cell(option.expected)} | ${cell(option.description)}${notes(option)} |`,
  );
  return ['| Key | Default | Value | Meaning |', '|---|---|---|---|', ...rows, ''].join('\n');
}

const defaultOf = (option: Option<unknown>): string =>
  option.defaultValue === undefined ? '–' : `\`${option.format(option.defaultValue)}\``;

function notes(option: Option<unknown>): string {
  const aliases = option.aliases.length === 0 ? '' : ` Also read as ${option.aliases.map((alias) => `\`${alias}\``).join(', ')}.`;
  return `${aliases}${option.isSecret ? ' Secret.' : ''}`;
}

const cell = (text: string): string => text.replaceAll('|', '\\|');
