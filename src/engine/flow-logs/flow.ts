/** One flow as the kernel saw it begin or end at a filter, and how the engine gets them. */

import type { Header } from '#program/filter.ts';

/** What a filter decided on the first packet of a flow at a NIC, or what an allowed flow has carried since. */
export type Flow = Header & {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** ARM id of the NIC. */
  readonly nic: string;
  readonly mac: string;
  readonly direction: 'inbound' | 'outbound';
  /** Keys of the filter and of its rule (program.ts, `Filter`); no rule: none matched. */
  readonly filter: string;
  readonly rule: string;
  /** Who asked for the rule. */
  readonly because: string;
  readonly access: 'allow' | 'deny';
  /** Of a flow that goes on or has ended: packets and bytes from its source and to it, since it was last told of. */
  readonly carried?: { readonly isEnded: boolean; readonly sent: Count; readonly received: Count };
};

export type Count = { readonly packets: number; readonly bytes: number };

/** A verdict of the kernel that the program does not give. */
export type Disagreement = {
  readonly point: string;
  readonly flow: Flow;
  readonly wanted: { readonly access: 'allow' | 'deny'; readonly rule: string };
};

/** What was seen since the last call. `notLogged`: by NIC id, flows that went over the rate; '' those lost on the way to us. */
export type FlowBatch = {
  readonly flows: readonly Flow[];
  readonly notLogged: { readonly [nic: string]: number };
  readonly disagreements: readonly Disagreement[];
  /** How many verdicts were compared with the programs. */
  readonly compared: number;
  /** Routers whose log could not be read, and why. */
  readonly troubles: readonly string[];
};

/** The kernel's keeper, asked for flows. Reading takes them away. */
export interface FlowSource {
  flows(): Promise<FlowBatch>;
}
