/** Schemas of the protocol as short text, in the notation of TypeScript. */

/** What this reads of a JSON schema as typebox makes it. */
export interface ReadableSchema {
  readonly type?: string;
  readonly const?: unknown;
  readonly anyOf?: readonly ReadableSchema[];
  readonly items?: ReadableSchema;
  readonly properties?: Readonly<Record<string, ReadableSchema>>;
  readonly required?: readonly string[];
  readonly patternProperties?: Readonly<Record<string, ReadableSchema>>;
}

/** Names of schemas that several messages share, by identity. */
export type SchemaNames = ReadonlyMap<ReadableSchema, string>;

/** The schema as text; shared ones by their name, except the outermost when `isDefinition`. */
export function schemaText(schema: ReadableSchema, names: SchemaNames, isDefinition = false): string {
  const name = names.get(schema);
  if (name !== undefined && !isDefinition) return name;
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.anyOf !== undefined) return schema.anyOf.map((each) => schemaText(each, names)).join(' | ');
  switch (schema.type) {
    case 'object':
      return objectText(schema, names);
    case 'array': {
      const item = schemaText(schema.items ?? {}, names);
      return item.includes(' | ') ? `(${item})[]` : `${item}[]`;
    }
    case 'integer':
      return 'integer';
    case undefined:
      return 'any';
    default:
      return schema.type;
  }
}

function objectText(schema: ReadableSchema, names: SchemaNames): string {
  const patterns = Object.values(schema.patternProperties ?? {});
  if (patterns.length > 0) return `Record<string, ${patterns.map((each) => schemaText(each, names)).join(' | ')}>`;
  const required = new Set(schema.required);
  const fields = Object.entries(schema.properties ?? {}).map(
    ([field, type]) => `${field}${required.has(field) ? '' : '?'}: ${schemaText(type, names)}`,
  );
  return fields.length === 0 ? '{}' : `{ ${fields.join('; ')} }`;
}
