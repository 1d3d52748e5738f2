/** Flags that every actor process and script understands. */
import { Command } from 'commander';

export interface CommonFlags {
  readonly config?: string;
  /** `-D key=value`, in the order given. */
  readonly D?: readonly string[];
}

/** A program of its own with the common flags. */
export function commandWithSettings(name: string, description: string): Command {
  return addSettingsFlags(new Command(name).description(description).showHelpAfterError());
}

export function addSettingsFlags(command: Command): Command {
  return command
    .option('-c, --config <file>', 'configuration file, YAML or JSON (default: $MILLRACE_CONF, or millrace.yaml if it is there)')
    .option('-D <key=value>', 'a configuration key, e.g. -D nats.servers=nats://host:4222; may be repeated', collect);
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}
