/** The smallest stamp on which rules can be tried: two NICs on two hosts, one of them behind an NSG and a public address. */

import type { Programs } from '#program/program.ts';
import { addNic, addNsg, addPublicIp, addSubnet, addVnet, newBuild, type RuleRow } from '#test/generate/build.ts';
import { programsOf } from '#test/generate/flow.ts';

/** NIC 1 is the client (10.0.0.4), NIC 2 the server (10.0.1.4, 198.18.0.40): `rules` on its subnet, `nicRules` on itself. */
export function twoNics(rules: readonly RuleRow[], nicRules?: readonly RuleRow[]): Programs {
  const build = newBuild();
  addNsg(build, 'sub', rules);
  if (nicRules !== undefined) addNsg(build, 'nic', nicRules);
  addVnet(build, 'a', ['10.0.0.0/16', 'fd00::/48']);
  addSubnet(build, 'a/one', [['10.0.0.0/24', 'fd00::/64']]);
  addSubnet(build, 'a/two', [['10.0.1.0/24', 'fd00:0:0:1::/64'], { nsg: 'sub' }]);
  addPublicIp(build, 'pip', ['198.18.0.40']);
  addNic(build, 'client', { subnet: 'a/one', addresses: ['10.0.0.4', 'fd00::4'] });
  addNic(build, 'server', {
    subnet: 'a/two',
    addresses: [{ address: '10.0.1.4', publicIp: 'pip', groups: ['web'] }, 'fd00:0:0:1::4'],
    host: 'h2',
    ...(nicRules === undefined ? {} : { nsg: 'nic' }),
  });
  return programsOf(build);
}
