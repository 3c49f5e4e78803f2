/** The frame of every process of ours: logs of one line, a clean stop, and no survival after a bug. */

import { randomUUID } from 'node:crypto';
import { registerHooks } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import pino, { type Logger, type LoggerOptions } from 'pino';
import type { Clock, Dice } from '#engine/ports.ts';

/** The real clock. */
export const clock: Clock = { now: () => Date.now(), sleep: async (ms) => void (await sleep(ms)) };

/** The real dice. */
export const dice: Dice = { guid: () => randomUUID() };

/** Code must come from files: what the no-eval flag leaves open is closed here (`data:` imports, `vm`, inspector). */
export function closeLoaders(): void {
  const denied = /^(data:|(node:)?(vm|repl|inspector)$)/;
  registerHooks({
    resolve(specifier, context, next) {
      if (denied.test(specifier)) throw new Error(`Loading ${specifier.slice(0, 20)} is denied.`);
      return next(specifier, context);
    },
  });
}

const secretNames = [
  'secret',
  'client_secret',
  'password',
  'adminPassword',
  'authorization',
  'access_token',
  'refresh_token',
];

/** How our processes log: one line of JSON each; a second net below `Secret` hides what stands under the name of one, three levels deep. */
export function logOptions(name: string): LoggerOptions {
  const paths = secretNames.flatMap((secret) => [secret, `*.${secret}`, `*.*.${secret}`]);
  return { name, base: { process: name }, redact: { paths, censor: '***' } };
}

export type Frame = {
  readonly log: Logger;
  readonly onStop: (work: () => Promise<void>) => void;
  /** Ends the process at once: its state can be known again only by a fresh start. */
  readonly die: (error: unknown) => void;
};

/** Starts the frame of a process: SIGTERM and SIGINT run the stop works once, newest first; an uncaught error ends it with 1. */
export function frame(name: string): Frame {
  closeLoaders();
  const log = pino(logOptions(name), pino.destination({ fd: 1, sync: true }));
  const works: (() => Promise<void>)[] = [];
  let stopping = false;
  const stop = async (signal: string): Promise<void> => {
    if (stopping) return;
    stopping = true;
    log.info({ signal }, 'stopping');
    for (const work of works.toReversed())
      await work().catch((error: unknown) => log.error({ err: error }, 'stop failed'));
    process.exit(0);
  };
  process.on('SIGTERM', () => void stop('SIGTERM'));
  process.on('SIGINT', () => void stop('SIGINT'));
  const die = (error: unknown): void => {
    log.fatal({ err: error }, 'a bug: the process ends');
    process.exit(1);
  };
  process.on('uncaughtException', die);
  process.on('unhandledRejection', die);
  return { log, onStop: (work) => works.push(work), die };
}
