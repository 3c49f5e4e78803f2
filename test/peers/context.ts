/** What the rows of a suite are given. */

import type { Az } from '#test/peers/az.ts';
import type { Notebook } from '#test/peers/row.ts';
import type { Stamp } from '#test/peers/stamp.ts';

export type AzContext = {
  readonly az: Az;
  readonly stamp: Stamp;
  /** The name of az's configuration directory for this suite. */
  readonly configuration: string;
  readonly notebook: Notebook;
};
