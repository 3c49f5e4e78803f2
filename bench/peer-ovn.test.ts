/** Shows which lines of the switch's monitor tell of a flow, and of which. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flowEvent } from '#bench/peer-ovn.ts';

const rows: readonly (readonly [line: string, event: string | undefined])[] = [
  [' event=ADDED table=45 cookie=0x1 tcp,metadata=0x1,nw_src=203.0.113.7,tp_dst=30001 actions=next', 'added 30001'],
  [' event=DELETED reason=delete table=45 tcp,tp_dst=0x7531', 'deleted 30001'],
  [' event=ADDED table=45 tcp,tp_dst=0x7530/0xfffe', undefined],
  [' event=ADDED table=0 priority=100,in_port=1', undefined],
  [' event=MODIFIED table=45 tcp,tp_dst=30001', undefined],
  ['NXST_FLOW_MONITOR reply (xid=0x0):', undefined],
];

test('flows with one TCP port are told of when they come and go', () => {
  for (const [line, event] of rows) assert.equal(flowEvent(line), event, line);
});
