/** Shows that the kernel's own listings are read into what rendering makes. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readNetwork, readRuleset } from '#adapters/linux/read.ts';

const listing = `table inet rw { # handle 1
	set s { # handle 2
		type ipv4_addr
		flags interval
		elements = { 10.0.0.0/24,
			     10.0.2.0-10.0.3.9 }
	}

	map m { # handle 3
		type ifname : verdict
		elements = { "n1" : jump o_x }
	}

	chain forward { # handle 4
		type filter hook forward priority filter; policy drop;
		ct state established,related accept # handle 5
		counter drop comment "a # handle 9 {" # handle 6
	}
}
table ip other { # handle 2
}
`;

test('a listing of nft is read: sets, maps, chains with handles, and tables of others', () => {
  const { ruleset, foreign } = readRuleset(listing);
  const table = ruleset.get('inet');
  assert.deepEqual(table?.sets.get('s'), {
    kind: 'set',
    spec: ['type ipv4_addr', 'flags interval'],
    elements: new Set(['10.0.0.0/24', '10.0.2.0-10.0.3.9']),
  });
  assert.deepEqual(table?.sets.get('m')?.elements, new Set(['"n1" : jump o_x']));
  assert.deepEqual(table?.chains.get('forward'), {
    hook: 'type filter hook forward priority filter; policy drop;',
    rules: [
      { text: 'ct state established,related accept', handle: 5 },
      { text: 'counter drop comment "a # handle 9 {"', handle: 6 },
    ],
  });
  assert.deepEqual(foreign, [{ family: 'ip', name: 'other', handle: 2 }]);
});

test('elements with a time are read without it; one without any time is told apart', () => {
  const { ruleset } = readRuleset(`table inet rw { # handle 1
	set t { # handle 2
		type ipv4_addr
		flags interval,timeout
		elements = { 10.0.0.4 timeout 2h59m59s500ms, 10.0.0.5,
			     10.0.0.6 timeout 3s }
	}
}
`);
  const elements = ruleset.get('inet')?.sets.get('t')?.elements;
  assert.deepEqual(elements, new Set(['10.0.0.4', '10.0.0.5 for ever', '10.0.0.6']));
});

test('listings of ip and bridge are read; what is not ours does not count', () => {
  const network = readNetwork({
    links: [
      { ifname: 'n7', mtu: 1500 },
      { ifname: 'uplink', mtu: 9000 },
    ],
    addresses: [
      {
        ifname: 'lo',
        addr_info: [
          { local: '127.0.0.1', prefixlen: 8 },
          { local: '10.0.0.1', prefixlen: 32 },
        ],
      },
    ],
    routes: [
      { dst: '10.0.0.4', dev: 'n7', protocol: '157', flags: [] },
      { dst: 'default', gateway: '169.254.79.1', dev: 'uplink', table: '1005', protocol: '157', flags: ['onlink'] },
      { type: '9', dst: '10.0.0.0/16', table: '1005', protocol: '157', flags: [] },
      { type: '6', dst: 'default', dev: 'lo', table: '1005', protocol: '157', family: '6', flags: [] },
      { dst: '10.0.0.9', dev: 'n7', protocol: '2', flags: [] },
    ],
    rules: [
      { priority: 0, table: '255' },
      { priority: 110, fwmark: '0x50000', fwmask: '0xffff0000', table: '1005' },
    ],
    neighbours: [
      { dst: '10.0.0.4', lladdr: '02:57:00:00:00:07', dev: 'n7' },
      { dst: '10.0.0.5', dev: 'n7' },
    ],
    forwarding: [
      { mac: '02:57:00:fd:00:02', ifname: 'vx', dst: '10.254.0.2' },
      { mac: '33:33:00:00:00:01', ifname: 'vx' },
    ],
    loose: new Set(['n7']),
  });
  assert.deepEqual([...network.ports.values()], [{ mark: 7, mac: '', mtu: 1500, isForwarding: true }]);
  assert.deepEqual([...network.addresses], ['10.0.0.1/32 dev lo']);
  assert.deepEqual(
    [...network.routes],
    [
      '10.0.0.4/32 dev n7 table 254',
      '0.0.0.0/0 via 169.254.79.1 dev uplink table 1005 onlink',
      'throw 10.0.0.0/16 table 1005',
      'blackhole ::/0 table 1005',
    ],
  );
  assert.deepEqual([...network.rules], ['pref 110 fwmark 0x50000/0xffff0000 lookup 1005']);
  assert.deepEqual([...network.neighbours], ['10.0.0.4 lladdr 02:57:00:00:00:07 dev n7']);
  assert.deepEqual([...network.forwarding], ['02:57:00:fd:00:02 dev vx dst 10.254.0.2']);
});
