/** What went over budgets, as the kernel's keeper tells it, and how the engine gets it. */

import type { Abuse } from '#model/security/quarantine.ts';
import type { Budget } from '#program/program.ts';

/** What one port sent beyond one budget since the last call. Whose it is says the port that it came in by, never the packet. */
export type Spent = {
  readonly point: string;
  /** ARM id of the NIC. */
  readonly nic: string;
  readonly mark: number;
  readonly abuse: Abuse;
  /** Packets that were dropped. */
  readonly dropped: number;
  readonly budget: Budget;
  /** Heads of some of them, one line each. */
  readonly packets: readonly string[];
};

/** What a router holds of its subscription now. */
export type Held = { readonly point: string; readonly connections: number };

/** The kernel's keeper, asked for what went over budgets. Reading takes it away. */
export interface SpentSource {
  spent(): Promise<readonly Spent[]>;
  /** Connection states of every router and of the boundary, as the kernel counts them. */
  held(): Promise<readonly Held[]>;
}
