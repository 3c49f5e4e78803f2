/** Who may not make a link hears so, and nothing of what the link leads to; whoever may hears what is wrong with the write. */

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import type { JsonObject } from '#base/json.ts';
import { Fault, Refusal } from '#base/wrong.ts';
import type { AccessIndex } from '#engine/gate/access-index.ts';
import { judgedWithLinks } from '#engine/gate/linked-access.ts';
import { stampCaller } from '#engine/gate/own-caller.ts';
import type { Resource } from '#model/resource.ts';
import { callerOf, net, strangerOid } from '#test/sim/engine.ts';

const id = net('red', 'networkInterfaces/n');
const type = 'Microsoft.Network/networkInterfaces';
const theirs = net('blue', 'virtualNetworks/v/subnets/s');
const mine = net('red', 'virtualNetworks/v/subnets/s');
const body = (subnet: string): JsonObject => ({
  properties: { ipConfigurations: [{ properties: { subnet: { id: subnet } } }] },
});
const before = { id, type, properties: body(theirs)['properties'] } as Resource;
const secret = new Refusal('PrivateIPAddressNotInSubnet', 'The address is not within 10.66.6.0/24.');

type Row = {
  readonly says: string;
  readonly subnet: string;
  readonly before?: Resource;
  readonly isStamp?: boolean;
  readonly body?: JsonObject;
  readonly error?: Error;
  readonly code: string;
};

const rows: readonly Row[] = [
  { says: 'a refused write with a stranger link', subnet: theirs, code: 'LinkedAuthorizationFailed' },
  { says: 'in other letters', subnet: theirs.toUpperCase(), code: 'LinkedAuthorizationFailed' },
  { says: 'a refused write with a link of the own', subnet: mine, code: secret.code },
  { says: 'a link that stands already', subnet: theirs, before, code: secret.code },
  { says: 'the stamp itself', subnet: theirs, isStamp: true, code: secret.code },
  { says: 'no properties', subnet: theirs, body: {}, code: secret.code },
  { says: 'properties that are none', subnet: theirs, body: { properties: [theirs] }, code: secret.code },
  { says: 'a fault is no refusal', subnet: theirs, error: new Fault('StoreFault', 'no'), code: 'StoreFault' },
];

function open(isStamp: boolean) {
  const log: string[] = [];
  const access = {
    may: (_: unknown, action: string, scope: string) => {
      log.push(action);
      return scope === mine.toLowerCase();
    },
  } as unknown as AccessIndex;
  return { log, parts: { access, caller: isStamp ? stampCaller('t', 'c') : callerOf(strangerOid) } };
}

test('[S2.1] the right to a link is judged before the reason of a refusal is told', () => {
  for (const row of rows) {
    const { log, parts } = open(row.isStamp === true);
    const write = (): never => {
      log.push('write');
      throw row.error ?? secret;
    };
    const about = { before: row.before, id, type, body: row.body ?? body(row.subnet) };
    assert.throws(
      () => judgedWithLinks(write, about, parts),
      (error: Error & { code: string }) => {
        assert.equal(error.code, row.code, row.says);
        assert.ok(row.code !== 'LinkedAuthorizationFailed' || !error.message.includes('10.66.6'), row.says);
        return true;
      },
    );
    assert.equal(log[0], 'write', row.says);
  }
});

test('a write that goes through is answered as it is; its links are judged from what it became', () => {
  const { log, parts } = open(false);
  const written = judgedWithLinks(() => 'written', { before: undefined, id, type, body: body(theirs) }, parts);
  assert.deepEqual([written, log], ['written', []]);
});
