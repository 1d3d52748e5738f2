/** The flagship, whose source says when it hands on its first record. */
import flights from '../../examples/08-flights.js';
import type { JobDefinition, OperatorFactory, Source, SourceOutput, SourceReader } from '../../dataflow/contracts.js';
import { mark } from '../harness/forms.js';

function watched(factory: OperatorFactory): OperatorFactory {
  if (factory.kind !== 'source') return factory;
  const { source } = factory;
  const enumerate: Source<unknown>['enumerate'] = (context) => source.enumerate(context);
  const createReader: Source<unknown>['createReader'] = (context) => watchedReader(source.createReader(context));
  return { kind: 'source', source: { ...source, enumerate, createReader } };
}

function watchedReader(reader: SourceReader<unknown>): SourceReader<unknown> {
  let hasBegun = false;
  const first = (output: SourceOutput<unknown>): SourceOutput<unknown> => ({
    isAvailable: () => output.isAvailable(),
    emit: (value, timestamp) => {
      hasBegun = true;
      mark('first record');
      output.emit(value, timestamp);
    },
  });
  return {
    start: (split, position) => reader.start(split, position),
    poll: (output, recordsMax) => (hasBegun ? reader.poll(output, recordsMax) : reader.poll(first(output), 1)),
    whenAvailable: () => reader.whenAvailable(),
    position: () => reader.position(),
    close: () => reader.close(),
  };
}

const job: JobDefinition = {
  name: flights.name,
  build(parameters, defaults) {
    const graph = flights.build(parameters, defaults);
    return { ...graph, nodes: graph.nodes.map((node) => ({ ...node, factory: watched(node.factory) })) };
  },
};
export default job;
