/** The operator's policy bundle as a prover holds it: checked against the operator's pin at the start and whenever a new one comes. */

import { readPublicKey } from '#engine/gate/record.ts';
import { bundleOf, SignedBundle } from '#engine/proof/bundle.ts';
import type { BootWithSecrets } from '#main/boot/boot.ts';
import { clock } from '#main/boot/process.ts';

export type OperatorBundle = {
  readonly signed: SignedBundle;
  /** Takes a newer bundle; refuses any other. */
  readonly take: (text: string) => void;
};

/** Opens what the boot brings. A bundle that does not carry the operator's signature stops the start: nothing is proved by half the demands. */
export function openBundle(boot: BootWithSecrets): OperatorBundle {
  const { number: stamp, managementPorts } = boot.settings;
  const key = readPublicKey(boot.secret('operatorPin').reveal());
  const signed = new SignedBundle(() => clock.now(), { managementEffect: managementPorts });
  const take = (text: string): void => signed.take(bundleOf(text, { key, stamp, after: signed.version }));
  const text = boot.secret('policy').reveal();
  if (text !== '') take(text);
  return { signed, take };
}
