/** A resolver for the packet suite, run in the infrastructure's namespace: it takes one program a line and says when it answers by it. */

import { createInterface } from 'node:readline';
import { openResolver } from '#adapters/unbound/adapter.ts';
import type { ResolverProgram } from '#program/program.ts';

const [command = '', folder = ''] = process.argv.slice(2);
const resolver = openResolver({ command, folder, log: () => undefined });
for await (const line of createInterface({ input: process.stdin })) {
  const started = performance.now();
  const says = await resolver.apply(JSON.parse(line) as ResolverProgram).then(
    () => `applied ${Math.round(performance.now() - started)}`,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  process.stdout.write(`${says}\n`);
}
await resolver.close();
process.exit(0);
