/** A suite of az commands: its rows, which az it wants, and what must be there before. */

import type { Az } from '#test/peers/az.ts';
import type { Release } from '#test/peers/chroot.ts';
import type { AzContext } from '#test/peers/context.ts';
import type { Notebook, Row } from '#test/peers/row.ts';
import type { Stamp } from '#test/peers/stamp.ts';

export type AzSuite = {
  readonly name: string;
  readonly says: string;
  readonly release: Release;
  /** Signs in by itself: starts with an empty configuration. */
  readonly isSignedOut?: boolean;
  /** Files that commands name as `{file.NAME}`. */
  readonly files?: Readonly<Record<string, string>>;
  /** Principals and the like that the rows need; they go into the notebook. */
  readonly prepare?: (stamp: Stamp, notebook: Notebook, az: Az) => Promise<void>;
  /** Ends what `prepare` began, however the rows went. */
  readonly finish?: () => Promise<void>;
  readonly rows: readonly Row<AzContext>[];
};
