// The commands, in the order of the help; each is loaded when it is asked for.
import type { Command } from 'commander';

/** By name. The modules of all of them together would cost each a tenth of a second. */
export const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  triage: async () => (await import('./triage.js')).triageCommand(),
  watch: async () => (await import('./watch.js')).watchCommand(),
  probe: async () => (await import('./probe.js')).probeCommand(),
  db: async () => (await import('./db.js')).dbCommand(),
  evaluate: async () => (await import('./evaluate.js')).evaluateCommand(),
  baseline: async () => (await import('./baseline.js')).baselineCommand(),
  explain: async () => (await import('./explain.js')).explainCommand(),
  interfaces: async () => (await import('./interfaces.js')).interfacesCommand(),
};
