/** OVN alone (no API, no tenants): one more ACL as a transaction of its northbound database, until the flow stands in the userspace switch. */

import { createInterface } from 'node:readline';
import { once } from 'node:events';
import type { JsonObject } from '#base/json.ts';
import { Fault } from '#base/wrong.ts';
import { Daemons } from '#bench/peer-daemons.ts';
import { Ovsdb } from '#bench/peer-ovsdb.ts';
import type { Peer } from '#bench/peer.ts';

export const ovnPrograms = ['ovn-northd', 'ovn-controller', 'ovn-nbctl', 'ovsdb-server', 'ovs-vswitchd', 'ovs-ofctl'];

const flowMs = 20_000;
const database = 'OVN_Northbound';
/** Ports of standing rules begin here, those of measured ones lie above. */
const standingFirst = 1024;
const measuredFirst = 30_000;
const measuredMax = 30_000;

/** Starts databases, daemon, switch and controller; one logical switch with one port on the switch. */
export async function openOvn(namespace: string): Promise<Peer> {
  const daemons = await Daemons.open(namespace, (folder) => ({
    OVN_RUNDIR: folder,
    OVS_RUNDIR: folder,
    OVN_DBDIR: folder,
    OVN_LOGDIR: folder,
    OVS_LOGDIR: folder,
    OVS_DBDIR: folder,
  }));
  try {
    await startOvn(daemons);
    const flows = await watchFlows(daemons);
    const north = await Ovsdb.open(`${daemons.folder}/nb.sock`);
    const peer = new Ovn(north, flows);
    return {
      name: 'ovn',
      what: 'a transaction of the northbound database until the flow is in br-int (netdev datapath)',
      block: (rules, times) => peer.block(rules, times),
      close: async () => {
        north.close();
        await daemons.close();
      },
    };
  } catch (error) {
    await daemons.close();
    throw error;
  }
}

async function startOvn(daemons: Daemons): Promise<void> {
  const { folder } = daemons;
  const north = `unix:${folder}/nb.sock`;
  const south = `unix:${folder}/sb.sock`;
  const local = `unix:${folder}/db.sock`;
  for (const [file, schema] of [
    ['nb', '/usr/share/ovn/ovn-nb.ovsschema'],
    ['sb', '/usr/share/ovn/ovn-sb.ovsschema'],
    ['vs', '/usr/share/openvswitch/vswitch.ovsschema'],
  ] as const) {
    await daemons.run(['ovsdb-tool', 'create', `${folder}/${file}.db`, schema]);
    const socket = file === 'vs' ? 'db' : file;
    const words = [`--remote=punix:${folder}/${socket}.sock`, `--unixctl=${folder}/${file}.ctl`];
    daemons.start('ovsdb-server', [...words, `${folder}/${file}.db`]);
  }
  const open = ['set', 'open', '.', 'external_ids:system-id=peer', 'external_ids:hostname=peer'];
  const encap = ['external_ids:ovn-encap-type=geneve', 'external_ids:ovn-encap-ip=127.0.0.1'];
  const remote = [`external_ids:ovn-remote=${south}`, 'external_ids:ovn-bridge-datapath-type=netdev'];
  await daemons.until('the local database', () =>
    daemons.run(['ovs-vsctl', `--db=${local}`, '--no-wait', 'init', '--', ...open, ...encap, ...remote]),
  );
  daemons.start('ovn-northd', [`--ovnnb-db=${north}`, `--ovnsb-db=${south}`, `--unixctl=${folder}/northd.ctl`]);
  daemons.start('ovs-vswitchd', ['--disable-system', '--enable-dummy', `--unixctl=${folder}/switch.ctl`, local]);
  const bridge = ['add-br', 'br-int', '--', 'set', 'bridge', 'br-int', 'datapath_type=netdev', 'fail-mode=secure'];
  await daemons.run(['ovs-vsctl', `--db=${local}`, '--timeout=20', '--may-exist', ...bridge]);
  daemons.start('ovn-controller', [`--pidfile=${folder}/ovn-controller.pid`, local]);
  const port = ['lsp-add', 'ls', 'p', '--', 'lsp-set-addresses', 'p', '02:00:00:00:09:01 10.0.9.1'];
  await daemons.run(['ovn-nbctl', `--db=${north}`, 'ls-add', 'ls', '--', ...port, '--', 'pg-add', 'group', 'p']);
  const device = ['add-port', 'br-int', 'v', '--', 'set', 'interface', 'v', 'type=internal', 'external_ids:iface-id=p'];
  await daemons.run(['ovs-vsctl', `--db=${local}`, '--timeout=20', ...device]);
  await daemons.until('the controller', () =>
    daemons.run(['ovn-nbctl', `--db=${north}`, '--timeout=5', '--wait=hv', 'sync']),
  );
}

/** Told by the switch itself: flows that came and went, by their TCP port. */
type Flows = { readonly seen: (port: number, how: 'added' | 'deleted') => Promise<void> };

async function watchFlows(daemons: Daemons): Promise<Flows> {
  const child = daemons.listen('ovs-ofctl', ['monitor', `unix:${daemons.folder}/br-int.mgmt`, 'watch:']);
  const waiting = new Map<string, () => void>();
  const early = new Set<string>();
  // It tells of the flows that stand first: from then on it misses none.
  const ready = Promise.withResolvers<undefined>();
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on('line', (line) => {
      ready.resolve(undefined);
      const key = flowEvent(line);
      if (key === undefined) return;
      const resolve = waiting.get(key);
      if (resolve === undefined) early.add(key);
      else resolve();
    });
  }
  await Promise.race([
    ready.promise,
    once(child, 'exit').then(() => Promise.reject(new Fault('PeerFailed', 'The monitor ended.'))),
  ]);
  const seen = (port: number, how: 'added' | 'deleted'): Promise<void> => {
    const key = `${how} ${port}`;
    if (early.delete(key)) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.delete(key);
        reject(new Fault('PeerFailed', `The switch did not tell of the flow of port ${port} (${how}).`));
      }, flowMs);
      waiting.set(key, () => {
        clearTimeout(timer);
        waiting.delete(key);
        resolve();
      });
    });
  };
  return { seen };
}

/** `added 30001` for a line that tells of a flow with a TCP port (ovs-ofctl(8), `monitor`). */
export function flowEvent(line: string): string | undefined {
  const how = /event=(ADDED|DELETED)/.exec(line)?.[1];
  const port = /tp_dst=(0x[0-9a-f]+|\d+)(?![/\w])/.exec(line)?.[1];
  return how === undefined || port === undefined ? undefined : `${how.toLowerCase()} ${Number(port)}`;
}

class Ovn {
  readonly #north: Ovsdb;
  readonly #flows: Flows;
  #next = 0;
  #rules = -1;

  constructor(north: Ovsdb, flows: Flows) {
    this.#north = north;
    this.#flows = flows;
  }

  async block(rules: number, times: number): Promise<readonly number[]> {
    if (rules - 1 !== this.#rules) await this.#fill(rules - 1);
    const samples: number[] = [];
    for (let turn = 0; turn < times; turn++) samples.push(await this.#timed());
    return samples;
  }

  /** The group gets so many rules in one transaction; done when one more is added and seen. */
  async #fill(count: number): Promise<void> {
    const rows = Array.from({ length: count }, (_, index) => aclOf(`a${index}`, standingFirst + index));
    const acls = rows.map((row) => ['named-uuid', row['uuid-name'] ?? '']);
    const update = { op: 'update', table: 'Port_Group', where: inGroup, row: { acls: ['set', acls] } };
    await this.#north.transact(database, [...rows, update]);
    this.#rules = count;
    await this.#timed();
  }

  async #timed(): Promise<number> {
    const port = measuredFirst + (this.#next++ % measuredMax);
    const start = performance.now();
    const [made] = await this.#north.transact(database, [
      aclOf('new', port),
      mutation('insert', ['named-uuid', 'new']),
    ]);
    await this.#flows.seen(port, 'added');
    const took = performance.now() - start;
    await this.#north.transact(database, [mutation('delete', made?.['uuid'] as string[])]);
    await this.#flows.seen(port, 'deleted');
    return took;
  }
}

const inGroup = [['name', '==', 'group']];

function aclOf(name: string, port: number): JsonObject {
  const match = `outport == @group && ip4 && ip4.src == 203.0.113.7 && tcp.dst == ${port}`;
  const row = { priority: 1002, direction: 'to-lport', match, action: 'allow-related' };
  return { op: 'insert', table: 'ACL', 'uuid-name': name, row };
}

function mutation(how: 'insert' | 'delete', uuid: readonly string[]): JsonObject {
  return { op: 'mutate', table: 'Port_Group', where: inGroup, mutations: [['acls', how, ['set', [[...uuid]]]]] };
}
