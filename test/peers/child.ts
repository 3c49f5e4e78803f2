/** Runs one program to its end with bounded time and output: what every peer, and the stamp's own command line, is driven by. */

import { spawn } from 'node:child_process';

export type Ended = {
  /** Exit code; undefined when a signal ended it. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly seconds: number;
  /** Set when it was stopped for taking too long. */
  readonly isTooLate: boolean;
};

export type RunOptions = {
  readonly stdin?: string;
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly timeoutMs: number;
  /** Hears each line of both outputs as it comes. */
  readonly hear?: (line: string) => void;
};

const outputCharactersMax = 32 * 1024 * 1024;

/** Runs `argv`; answers whatever the exit code. A program that cannot be started answers 127, as a shell would. */
export async function runProgram(argv: readonly string[], options: RunOptions): Promise<Ended> {
  const [file = '', ...rest] = argv;
  const begun = performance.now();
  const child = spawn(file, rest, {
    cwd: options.cwd,
    env: { ...process.env, ...options.environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let isTooLate = false;
  const timer = setTimeout(() => {
    isTooLate = true;
    child.kill('SIGKILL');
  }, options.timeoutMs);
  const stdout = gather(child.stdout, options.hear);
  const stderr = gather(child.stderr, options.hear);
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.stdin ?? '');
  const ended = await new Promise<{ code: number | undefined; says: string }>((resolve) => {
    child.once('error', (error) => resolve({ code: 127, says: error.message }));
    child.once('close', (code) => resolve({ code: code ?? undefined, says: '' }));
  });
  clearTimeout(timer);
  const seconds = (performance.now() - begun) / 1000;
  return { code: ended.code, stdout: stdout(), stderr: stderr() + ended.says, seconds, isTooLate };
}

function gather(stream: NodeJS.ReadableStream, hear: ((line: string) => void) | undefined): () => string {
  let text = '';
  let line = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    if (text.length < outputCharactersMax) text += chunk;
    if (hear === undefined) return;
    const lines = (line + chunk).split(/[\r\n]+/);
    line = (lines.pop() ?? '').slice(-4096);
    for (const whole of lines) if (whole !== '') hear(whole);
  });
  return () => text;
}
