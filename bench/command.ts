/** Runs the project's own command as people do, and reads the JSON object that it ends with. */

import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { isObject, type JsonObject } from '#base/json.ts';
import { Fault } from '#base/wrong.ts';
import { commonFlags } from '#main/boot/node-flags.ts';

const cli = join(dirname(import.meta.dirname), 'src', 'main', 'cli.ts');

/** `ringwall ARGUMENTS --json`; a failure carries what the command said. */
export async function ringwall(words: readonly string[]): Promise<JsonObject> {
  const { code, output, errors } = await runNode([...commonFlags, cli, ...words, '--json']);
  const last = parsed(output.trimEnd().split('\n').at(-1) ?? '');
  if (code !== 0 || last === undefined)
    throw new Fault('CommandFailed', `ringwall ${words.join(' ')} ended with ${code}: ${errors.slice(-3000)}`);
  return last;
}

type Ended = { readonly code: number | null; readonly output: string; readonly errors: string };

function runNode(argv: readonly string[]): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
    const [output, errors]: [string[], string[]] = [[], []];
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => output.push(chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => errors.push(chunk));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output: output.join(''), errors: errors.join('') }));
  });
}

function parsed(line: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
