/** Links, addresses, routes, policy rules, neighbours and tunnel entries through iproute2: one batch per namespace, input on stdin. */

import { spawn } from 'node:child_process';
import { Fault } from '#base/wrong.ts';
import { isObject, type JsonObject } from '#base/json.ts';
import { commandOutputMax, commandTimeoutMs } from '#base/limits.ts';

/** Runs a batch of `ip` lines in a namespace (`undefined`: the one of this process); a Fault names the line that failed. */
export async function ipBatch(namespace: string | undefined, lines: readonly string[]): Promise<void> {
  // A batch has one family for what names no address (policy rules): lines of IPv6 say so and go into a batch of their own.
  const six = lines.filter((line) => line.startsWith('-6 ')).map((line) => line.slice(3));
  const four = lines.filter((line) => !line.startsWith('-6 '));
  const batch = async (words: readonly string[], part: readonly string[]) => {
    if (part.length > 0) await run([...ipCommand(namespace), ...words, '-batch', '-'], `${part.join('\n')}\n`);
  };
  await Promise.all([batch([], four), batch(['-6'], six)]);
}

/** Runs each line whatever became of the others: what could not be done is found again by the next reading. */
export async function ipForced(namespace: string, lines: readonly string[]): Promise<void> {
  const six = lines.filter((line) => line.startsWith('-6 ')).map((line) => line.slice(3));
  const four = lines.filter((line) => !line.startsWith('-6 '));
  const batch = async (family: readonly string[], part: readonly string[]) => {
    if (part.length === 0) return;
    const argv = [...ipCommand(namespace), ...family, '-force', '-batch', '-'];
    await run(argv, `${part.join('\n')}\n`).catch(() => undefined);
  };
  await batch([], four);
  await batch(['-6'], six);
}

/** Runs a batch of `bridge` lines (tunnel forwarding entries). */
export async function bridgeBatch(namespace: string, lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return;
  await run(['bridge', '-n', namespace, '-batch', '-'], `${lines.join('\n')}\n`);
}

/** Asks `ip -j …` and answers the list. */
export async function ipJson(namespace: string | undefined, words: readonly string[]): Promise<readonly JsonObject[]> {
  const text = await run([...ipCommand(namespace), '-j', '-N', ...words], '');
  return jsonList(text);
}

/** Asks several things of one family by one process; answers one list for each. A list is a line of its own. */
export async function ipJsonBatch(
  namespace: string,
  family: '-4' | '-6',
  questions: readonly string[],
): Promise<readonly (readonly JsonObject[])[]> {
  const text = await run(
    [...ipCommand(namespace), family, '-j', '-N', '-batch', '-'],
    questions.map((line) => `${line}\n`).join(''),
  );
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  if (lines.length !== questions.length) {
    throw new Fault('CommandFailed', `ip answered ${lines.length} of ${questions.length} questions in ${namespace}.`);
  }
  return lines.map(jsonList);
}

/** Asks `bridge -j fdb show`. */
export async function bridgeJson(namespace: string, words: readonly string[]): Promise<readonly JsonObject[]> {
  return jsonList(await run(['bridge', '-n', namespace, '-j', ...words], ''));
}

function ipCommand(namespace: string | undefined): string[] {
  return namespace === undefined ? ['ip'] : ['ip', '-n', namespace];
}

function jsonList(text: string): readonly JsonObject[] {
  if (text.trim() === '') return [];
  const parsed: unknown = JSON.parse(text);
  return Array.isArray(parsed)
    ? parsed.filter((item): item is JsonObject => isObject(item) && Object.keys(item).length > 0)
    : [];
}

/** Runs a command with argv (never a shell), answers its output; a Fault carries what it said. Bounded in time and output. */
export async function run(argv: readonly string[], input: string): Promise<string> {
  const [command = '', ...words] = argv;
  return await new Promise<string>((resolve, reject) => {
    const child = spawn(command, words, {
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: commandTimeoutMs,
      killSignal: 'SIGKILL',
    });
    const output: string[] = [];
    const errors: string[] = [];
    let size = 0;
    const take = (into: string[]) => (chunk: string) => {
      size += chunk.length;
      if (size > commandOutputMax) child.kill('SIGKILL');
      else into.push(chunk);
    };
    child.stdout.setEncoding('utf8').on('data', take(output));
    child.stderr.setEncoding('utf8').on('data', take(errors));
    child.stdin.on('error', () => {});
    child.on('error', (error) => reject(new Fault('CommandFailed', `Cannot run ${command}.`, error)));
    child.on('close', (code) => {
      if (code === 0) resolve(output.join(''));
      else
        reject(
          new Fault(
            'CommandFailed',
            `${argv.slice(0, 6).join(' ')} ended with ${code}: ${errors.join('').trim().slice(0, 2000)}`,
          ),
        );
    });
    child.stdin.end(input);
  });
}
