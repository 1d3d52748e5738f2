/**
 * `npm run docs:protocol [-- --out FILE]`: the protocol as a page, `docs/protocol.md`, from the declarations alone;
 * `npm run verify` fails when the committed page is stale.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { endWithReader } from '../cluster/adapters/broken-pipe.js';
import type { MessageDefinition } from '../bus/protocol/define.js';
import { checkpointMessages, DeclineReasonSchema } from '../bus/protocol/messages/checkpoints.js';
import { clusterMessages, SlotStatusSchema } from '../bus/protocol/messages/cluster.js';
import { jobMessages, JobSummarySchema } from '../bus/protocol/messages/jobs.js';
import { slotMessages } from '../bus/protocol/messages/slots.js';
import {
  InputGateSchema,
  ResultPartitionSchema,
  SplitSchema,
  TaskDeploymentDescriptorSchema,
  taskMessages,
  TaskMetricsSchema,
  TaskSnapshotSchema,
} from '../bus/protocol/messages/tasks.js';
import { protocol } from '../bus/protocol/registry.js';
import * as schemas from '../bus/protocol/schemas.js';
import { addressName, createSubjects } from '../bus/protocol/subjects.js';
import { jobId, taskManagerId } from '../core/ids.js';
import { limits } from '../core/limits.js';
import { type ReadableSchema, type SchemaNames, schemaText } from './protocol-docs/schema-text.js';

endWithReader();

const families: readonly (readonly [title: string, messages: Readonly<Record<string, MessageDefinition>>])[] = [
  ['The cluster', clusterMessages],
  ['Slots', slotMessages],
  ['Tasks and sources', taskMessages],
  ['Checkpoints', checkpointMessages],
  ['Jobs, code and events', jobMessages],
];

const largeSchemas = {
  DeclineReasonSchema,
  InputGateSchema,
  JobSummarySchema,
  ResultPartitionSchema,
  SlotStatusSchema,
  SplitSchema,
  TaskDeploymentDescriptorSchema,
  TaskMetricsSchema,
  TaskSnapshotSchema,
};

/** What text alone would not say. */
const notes: Readonly<Record<string, string>> = {
  Bytes: 'a CBOR byte string',
  Milliseconds: 'a number from 0: a duration, or a time since 1970-01-01T00:00Z',
  Count: 'an integer from 0',
  Empty: 'an object without fields',
};

function namesOfSchemas(): SchemaNames {
  const names = new Map<ReadableSchema, string>();
  for (const [name, schema] of Object.entries({ ...schemas, ...largeSchemas })) {
    // The module also exports functions that make schemas.
    if (typeof schema === 'object') names.set(schema as ReadableSchema, name.replace(/Schema$/, ''));
  }
  return names;
}

function messagePart(type: string, definition: MessageDefinition, names: SchemaNames): string {
  const lines = [
    `### \`${type}\``,
    '',
    `${definition.kind === 'ask' ? 'Ask' : 'Tell'}, ${definition.from.join(' or ')} → ${definition.to.join(' or ')}. ${definition.doc}`,
    '',
    '```ts',
    `body:  ${schemaText(definition.body, names)}`,
    ...(definition.kind === 'ask' ? [`reply: ${schemaText(definition.reply, names)}`] : []),
    '```',
    '',
  ];
  return lines.join('\n');
}

function subjectsPart(): string {
  const subjects = createSubjects();
  const tm = taskManagerId('ID');
  const addresses = [
    [{ kind: 'job-manager' }, 'the leading JobManager'],
    [{ kind: 'resource-manager' }, 'the ResourceManager of the leader'],
    [{ kind: 'job', jobId: jobId('JOB') }, 'scheduler and checkpoint coordinator of a job'],
    [{ kind: 'task-manager', taskManagerId: tm }, 'a TaskManager'],
    [{ kind: 'slot', taskManagerId: tm, slot: 0 }, 'the tasks in a slot'],
    [{ kind: 'leader-events' }, 'everybody who follows leadership'],
    [{ kind: 'job-events', jobId: jobId('JOB') }, 'everybody who watches a job'],
  ] as const;
  const rows = addresses.map(([address, who]) => `| \`${subjects.of(address)}\` | \`${addressName(address)}\` | ${who} |`);
  rows.push(`| \`${subjects.data(tm, 0)}\` | | frames and channel control for a slot; not envelopes |`);
  return ['| subject | `to` | who listens |', '|---|---|---|', ...rows, ''].join('\n');
}

function sharedPart(names: SchemaNames): string {
  const entries = [...names].sort(([, left], [, right]) => (left < right ? -1 : 1));
  return entries.map(([schema, name]) => `type ${name} = ${notes[name] ?? schemaText(schema, names, true)}`).join('\n');
}

function page(): string {
  const names = namesOfSchemas();
  const documented = families.flatMap(([, messages]) => Object.keys(messages));
  const forgotten = Object.keys(protocol).filter((type) => !documented.includes(type));
  if (forgotten.length > 0) throw new Error(`no family holds ${forgotten.join(', ')}`);
  return `<!-- Written by \`npm run docs:protocol\` from bus/protocol. Do not edit. -->

# The protocol

${documented.length} messages, version 1. A **tell** is sent and may be lost; something else heals that. An **ask** is answered; the
asker tries again with the same message id, and the receiver answers a repeated id with the answer it remembers.
Commands are imperative, facts are in the past tense. A retired name is never used again.

## Subjects

With the default prefix \`millrace\` and cluster id \`default\`:

${subjectsPart()}
## Envelope

One CBOR map per message, at most ${limits.controlMessageBytesMax} bytes, nested at most ${limits.cborDepthMax} deep:

\`\`\`ts
{ version: 1; id: string; type: string; from: string; to: string; leaderEpoch: Count; attempt: string | null;
  correlationId: string | null; causationId: string | null; sentAt: number; body: any }
\`\`\`

An answer is \`{ ok: true; body: any }\` or \`{ ok: false; error: Error }\`. Fields that a receiver does not know are ignored.
A message that is oversized, malformed, of an unknown version or type, with an invalid body, not addressed to the receiver,
fenced or a duplicate becomes a counted dead letter; an ask among them is answered with an error \`MESSAGE_…\`.

${families.map(([title, messages]) => [`## ${title}`, '', ...Object.entries(messages).map(([type, definition]) => messagePart(type, definition, names))].join('\n')).join('\n')}
## Shared types

\`\`\`ts
${sharedPart(names)}
\`\`\`
`;
}

const { values } = parseArgs({ options: { out: { type: 'string', default: join('docs', 'protocol.md') } } });
mkdirSync(dirname(values.out), { recursive: true });
writeFileSync(values.out, page());
console.log(`${Object.keys(protocol).length} messages described in ${values.out}`);
