/** What a command speaks to: a stamp, or a model of one. Named by `--model`, else found by what lies in the state directory and what runs. */

import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { LinkClient } from '#adapters/link/client.ts';
import { Refusal } from '#base/wrong.ts';
import { isModelState, modelSocket } from '#main/boot/model.ts';
import { placesOf } from '#main/boot/places.ts';
import type { Settings } from '#main/boot/settings.ts';
import { settingsOf, withSocket, withStamp, type StampOptions } from '#main/command/options.ts';

export type TargetOptions = StampOptions & { readonly model?: boolean };

export type Target = { readonly kind: 'stamp' | 'model'; readonly settings: Settings };

/** The stamp or the model that the options mean. `--model` on the state of a stamp is refused. */
export function targetOf(options: TargetOptions, isThere: (settings: Settings) => boolean = stampIsThere): Target {
  if (options.model === true) {
    const settings = modelSettings(options);
    refuseOther(settings, 'model');
    return { kind: 'model', settings };
  }
  const settings = settingsOf(options);
  if (isModelState(settings.state)) return { kind: 'model', settings };
  if (options.state !== undefined || isThere(settings)) {
    return { kind: 'stamp', settings };
  }
  const own = modelSettings(options);
  return isModelState(own.state) ? { kind: 'model', settings: own } : { kind: 'stamp', settings };
}

/** Something of the stamp lies on this machine: it runs, ran, or can be started again. */
function stampIsThere(settings: Settings): boolean {
  return existsSync(placesOf(settings).run) || existsSync(settings.state);
}

/** The state lies with the user unless named: a model needs no root and never touches a real stamp's state. */
function modelSettings(options: StampOptions): Settings {
  const own = process.env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state');
  return settingsOf({ ...options, state: options.state ?? join(own, 'ringwall', String(options.stamp)) });
}

/** A model and a stamp never share a state directory: their files belong to different users. */
export function refuseOther(settings: Settings, wanted: Target['kind']): void {
  const found = isModelState(settings.state) ? 'model' : existsSync(placesOf(settings).database) ? 'stamp' : wanted;
  if (found === wanted) return;
  throw new Refusal('StateOfOther', `${settings.state} is the state of a ${found}; name another --state.`, {
    target: '--state',
  });
}

/** Runs `work` on the operator's socket of what the options mean. */
export async function withTarget<T>(options: TargetOptions, work: (link: LinkClient) => Promise<T>): Promise<T> {
  const { kind, settings } = targetOf(options);
  if (kind === 'stamp') return await withStamp(settings, work);
  const path = modelSocket(settings.state);
  if (!existsSync(path)) {
    throw new Refusal('ModelNotRunning', `No model runs on ${settings.state}; start it with "ringwall up --model".`);
  }
  return await withSocket(path, 'the model', work);
}
