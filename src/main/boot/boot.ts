/** What a process is told at its start: settings and its own secrets, as one JSON text on standard input; nothing in argv or environment. */

import { readFileSync } from 'node:fs';
import { Secret } from '#base/secret.ts';
import type { Settings } from '#main/boot/settings.ts';

/** Each process gets the secrets it needs and no others. */
export type Boot = {
  readonly settings: Settings;
  readonly tenantId: string;
  readonly secrets: { readonly [name: string]: string };
};

/** Reads the boot text once; the descriptor is then spent. */
export function readBoot(): BootWithSecrets {
  return bootWith(JSON.parse(readFileSync(0, 'utf8')) as Boot);
}

export type BootWithSecrets = Boot & { readonly secret: (name: string) => Secret };

/** The boot with its secrets wrapped: they print as `***`. */
export function bootWith(boot: Boot): BootWithSecrets {
  return {
    ...boot,
    secret(name) {
      const value = boot.secrets[name];
      if (value === undefined) throw new Error(`The supervisor gave no secret "${name}".`);
      return new Secret(value);
    },
  };
}
