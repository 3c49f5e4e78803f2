/** Options that commands share, and how each command prints: text for people on stderr and stdout, one JSON line for machines. */

import { existsSync } from 'node:fs';
import { LinkClient } from '#adapters/link/client.ts';
import { Refusal } from '#base/wrong.ts';
import { placesOf } from '#main/boot/places.ts';
import { readSettings, type Settings } from '#main/boot/settings.ts';

export type StampOptions = {
  readonly stamp: number;
  readonly state?: string;
  readonly settings?: string;
  readonly json?: boolean;
};

/** The settings that a command line names; `ringwall.yaml` in the working directory is read when there is one. */
export function settingsOf(options: StampOptions): Settings {
  const file = options.settings ?? (existsSync('ringwall.yaml') ? 'ringwall.yaml' : undefined);
  return readSettings({
    number: options.stamp,
    ...(options.state === undefined ? {} : { state: options.state }),
    ...(file === undefined ? {} : { file }),
  });
}

/** Refuses anyone but root, saying what would do instead. */
export function wantRoot(what: string): void {
  if (process.geteuid?.() !== 0) {
    throw new Refusal(
      'RootWanted',
      `${what} needs root: run it with sudo. Without root, "ringwall up --model" gives the control plane alone.`,
    );
  }
}

/** Runs `work` on the operator's socket of a running stamp. */
export async function withStamp<T>(settings: Settings, work: (link: LinkClient) => Promise<T>): Promise<T> {
  const path = placesOf(settings).socket('stampd', 'cli');
  if (!existsSync(path)) {
    throw new Refusal('StampNotRunning', `Stamp ${settings.number} is not running; start it with "ringwall up".`);
  }
  return await withSocket(path, 'stampd', work);
}

/** Runs `work` on an operator's socket, and closes it. */
export async function withSocket<T>(path: string, server: string, work: (link: LinkClient) => Promise<T>): Promise<T> {
  const link = new LinkClient(server, path);
  try {
    return await work(link);
  } finally {
    link.close();
  }
}

/** Progress goes to stderr, so that stdout stays one result. */
export function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Prints the result: JSON as one line when asked, else the text. */
export function print(options: { readonly json?: boolean }, value: unknown, text: string): void {
  process.stdout.write(options.json === true ? `${JSON.stringify(value)}\n` : `${text}\n`);
}
