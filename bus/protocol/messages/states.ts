/** States of operators, as far as starting a job from a checkpoint looks at them. */
import { Type } from '../typebox.js';
import { Count, OperatorIdSchema } from '../schemas.js';

const Name = Type.String({ maxLength: 1_024 });
const Reason = Type.String({ maxLength: 4_096 });

/** What a state is. */
const StateDescriptorSchema = Type.Object({
  name: Name,
  kind: Type.Union([
    Type.Literal('value'),
    Type.Literal('list'),
    Type.Literal('map'),
    Type.Literal('reducing'),
    Type.Literal('aggregating'),
    Type.Literal('operator list'),
    Type.Literal('union list'),
    Type.Literal('broadcast'),
  ]),
  isNamespaced: Type.Boolean(),
  version: Count,
  hasTtl: Type.Boolean(),
});

/** What an operator asks for; with a `problem`, there may be more. */
export const AskingOperatorSchema = Type.Object({
  operatorId: OperatorIdSchema,
  name: Name,
  states: Type.Array(Type.Object({ descriptor: StateDescriptorSchema, isMigrated: Type.Boolean() })),
  later: Type.Optional(Type.Array(Name)),
  problem: Type.Optional(Reason),
});

/** What becomes of one state. */
export const ComparedStateSchema = Type.Object({
  operator: Name,
  state: Name,
  verdict: Type.Union([
    Type.Literal('new'),
    Type.Literal('kept'),
    Type.Literal('migrated'),
    Type.Literal('dropped'),
    Type.Literal('incompatible'),
    Type.Literal('unknown'),
  ]),
  reason: Type.Optional(Reason),
});
