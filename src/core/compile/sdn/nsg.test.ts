/** Shows that security rules decide as Azure's documents say, and that nobody sends as another: one row is one packet and its end. */

import { test } from 'node:test';
import { type RuleRow } from '#test/generate/build.ts';
import { checkFlows } from '#test/generate/flow.ts';
import { twoNics } from '#test/generate/two-nics.ts';

test('[S1.5] the default rules let the virtual network and the internet out in, and nothing from outside', () => {
  checkFlows(twoNics([]), [
    [1, 'tcp 10.0.0.4 > 10.0.1.4:22', 'nic 2 10.0.0.4 > 10.0.1.4:22'],
    [1, 'icmp 10.0.0.4 > 10.0.1.4', 'nic 2 10.0.0.4 > 10.0.1.4'],
    [1, 'tcp [fd00::4] > [fd00:0:0:1::4]:22', 'nic 2 fd00::4 > fd00:0:0:1::4:22'],
    ['internet', 'tcp 203.0.113.9 > 198.18.0.40:22', 'nsg/sub/DenyAllInBound'],
    [2, 'tcp 10.0.1.4 > 203.0.113.9:443', 'internet 198.18.0.40 > 203.0.113.9:443'],
    [2, 'esp 10.0.1.4 > 203.0.113.9', 'internet 198.18.0.40 > 203.0.113.9'],
    ['probe router/v1/h2', 'tcp 168.63.129.16 > 10.0.1.4:80', 'nic 2 168.63.129.16 > 10.0.1.4:80'],
    ['probe router/v1/h2', 'tcp 10.0.0.4 > 10.0.1.4:80', "probe: 10.0.0.4 is not the probe's address"],
    ['probe router/v1/h1', 'tcp 168.63.129.16 > 10.0.1.4:80', 'probe: no NIC here has 10.0.1.4'],
  ]);
});

test('[S1.5] every field of a rule decides', () => {
  const programs = twoNics([
    ['tcp80', 100, 'In', 'Allow', 'Tcp', 'Internet', '10.0.1.4', '80'],
    ['udp', 110, 'In', 'Allow', 'Udp', '203.0.113.0/24', '*', ['53', '1000-2000']],
    ['ping', 120, 'In', 'Allow', 'Icmp', '203.0.113.9', '*', '*'],
    ['any22', 130, 'In', 'Allow', '*', '203.0.113.9', '*', '22'],
    ['sport', 140, 'In', 'Allow', 'Tcp', '203.0.113.9', '*', '*', '40000-40010'],
    ['group', 150, 'In', 'Allow', 'Tcp', '203.0.113.7', 'asg:web', '8443'],
    ['nogroup', 160, 'In', 'Allow', 'Tcp', '203.0.113.7', 'asg:empty', '8444'],
    ['esp', 170, 'In', 'Allow', 'Esp', '*', '*', '*'],
    ['deny-ssh', 200, 'In', 'Deny', 'Tcp', 'VirtualNetwork', '*', '22'],
    ['no-out', 200, 'Out', 'Deny', 'Tcp', '*', 'Internet', '25'],
    ['no-v6', 210, 'Out', 'Deny', '*', '*', 'fd00::4', '*'],
  ]);
  checkFlows(programs, [
    ['internet', 'tcp 203.0.113.9 > 198.18.0.40:80', 'nic 2 203.0.113.9 > 10.0.1.4:80'],
    ['internet', 'udp 203.0.113.9 > 198.18.0.40:80', 'nsg/sub/DenyAllInBound'],
    ['internet', 'udp 203.0.113.255 > 198.18.0.40:53', 'nic 2 203.0.113.255 > 10.0.1.4:53'],
    ['internet', 'udp 203.0.113.9 > 198.18.0.40:1000', 'nic 2 203.0.113.9 > 10.0.1.4:1000'],
    ['internet', 'udp 203.0.113.9 > 198.18.0.40:2000', 'nic 2 203.0.113.9 > 10.0.1.4:2000'],
    ['internet', 'udp 203.0.113.9 > 198.18.0.40:2001', 'nsg/sub/DenyAllInBound'],
    ['internet', 'udp 198.51.100.1 > 198.18.0.40:53', 'nsg/sub/DenyAllInBound'],
    ['internet', 'icmp 203.0.113.9 > 198.18.0.40', 'nic 2 203.0.113.9 > 10.0.1.4'],
    ['internet', 'icmp 203.0.113.8 > 198.18.0.40', 'nsg/sub/DenyAllInBound'],
    ['internet', 'tcp 203.0.113.9 > 198.18.0.40:22', 'nic 2 203.0.113.9 > 10.0.1.4:22'],
    ['internet', 'udp 203.0.113.9 > 198.18.0.40:22', 'nic 2 203.0.113.9 > 10.0.1.4:22'],
    ['internet', 'esp 203.0.113.9 > 198.18.0.40', 'nic 2 203.0.113.9 > 10.0.1.4'],
    // A rule of every protocol with a port speaks of TCP and UDP alone.
    ['internet', 'ah 203.0.113.9 > 198.18.0.40', 'nsg/sub/DenyAllInBound'],
    ['internet', 'tcp 203.0.113.9:40010 > 198.18.0.40:9', 'nic 2 203.0.113.9 > 10.0.1.4:9'],
    ['internet', 'tcp 203.0.113.9:40011 > 198.18.0.40:9', 'nsg/sub/DenyAllInBound'],
    ['internet', 'tcp 203.0.113.7 > 198.18.0.40:8443', 'nic 2 203.0.113.7 > 10.0.1.4:8443'],
    ['internet', 'tcp 203.0.113.7 > 198.18.0.40:8444', 'nsg/sub/DenyAllInBound'],
    [1, 'tcp 10.0.0.4 > 10.0.1.4:22', 'nsg/sub/deny-ssh'],
    [1, 'tcp [fd00::4] > [fd00:0:0:1::4]:22', 'nsg/sub/deny-ssh'],
    [1, 'udp 10.0.0.4 > 10.0.1.4:22', 'nic 2 10.0.0.4 > 10.0.1.4:22'],
    [2, 'tcp 10.0.1.4 > 203.0.113.9:25', 'nsg/sub/no-out'],
    [2, 'tcp 10.0.1.4 > 10.0.0.4:25', 'nic 1 10.0.1.4 > 10.0.0.4:25'],
    [2, 'icmp fd00:0:0:1::4 > fd00::4', 'source and target are not addresses of one family'],
    [2, 'icmp [fd00:0:0:1::4] > [fd00::4]', 'nsg/sub/no-v6'],
  ]);
});

test('[S1.5] the lower number decides, and both the subnet and the NIC must allow', () => {
  const allow: RuleRow = ['allow', 100, 'In', 'Allow', 'Tcp', '*', '*', '80-90'];
  checkFlows(
    twoNics([allow, ['deny', 90, 'In', 'Deny', 'Tcp', '*', '*', '85'], ['later', 4096, 'In', 'Deny', '*', '*', '*']]),
    [
      ['internet', 'tcp 203.0.113.9 > 198.18.0.40:85', 'nsg/sub/deny'],
      ['internet', 'tcp 203.0.113.9 > 198.18.0.40:84', 'nic 2 203.0.113.9 > 10.0.1.4:84'],
      ['internet', 'tcp 203.0.113.9 > 198.18.0.40:91', 'nsg/sub/later'],
    ],
  );
  checkFlows(twoNics([allow], [['allow', 100, 'In', 'Allow', 'Tcp', '*', '*', '80']]), [
    ['internet', 'tcp 203.0.113.9 > 198.18.0.40:80', 'nic 2 203.0.113.9 > 10.0.1.4:80'],
    ['internet', 'tcp 203.0.113.9 > 198.18.0.40:81', 'nsg/nic/DenyAllInBound'],
    ['internet', 'tcp 203.0.113.9 > 198.18.0.40:91', 'nsg/sub/DenyAllInBound'],
  ]);
  checkFlows(
    twoNics([['out', 100, 'Out', 'Deny', '*', '*', '*']], [['nic-out', 100, 'Out', 'Deny', 'Tcp', '*', '*', '80']]),
    [
      [2, 'tcp 10.0.1.4 > 10.0.0.4:80', 'nsg/nic/nic-out'],
      [2, 'tcp 10.0.1.4 > 10.0.0.4:81', 'nsg/sub/out'],
    ],
  );
});

test('nobody sends as another, and platform addresses answer only what they serve', () => {
  checkFlows(twoNics([]), [
    [1, 'tcp 10.0.0.5 > 10.0.1.4:80', 'spoof: 10.0.0.5 is not an address of the NIC'],
    [1, 'tcp 10.0.1.4 > 10.0.1.4:80', 'spoof: 10.0.1.4 is not an address of the NIC'],
    [1, 'tcp [fd00::5] > [fd00:0:0:1::4]:80', 'spoof: fd00::5 is not an address of the NIC'],
    [1, 'udp 10.0.0.4 > 168.63.129.16:53', 'infra 100.64.0.1 > 10.255.0.53:53'],
    [1, 'tcp 10.0.0.4 > 168.63.129.16:53', 'infra 100.64.0.1 > 10.255.0.53:53'],
    [1, 'udp 10.0.0.4 > 10.255.0.53:53', 'system/private'],
    ['internet', 'udp 203.0.113.9 > 10.255.0.53:53', 'boundary: 10.255.0.53 is nobody'],
    ['operator', 'udp 169.254.64.1 > 10.255.0.53:53', 'boundary: 10.255.0.53 is nobody'],
    [1, 'udp 10.0.0.4 > 168.63.129.16:54', 'platform: 168.63.129.16 does not answer this'],
    [1, 'icmp 10.0.0.4 > 10.0.0.1', 'router 10.0.0.4 > 10.0.0.1'],
    [1, 'tcp 10.0.0.4 > 10.0.0.1:80', 'platform: 10.0.0.1 does not answer this'],
    [1, 'tcp 10.0.0.4 > 169.254.169.254:80', 'martian: 169.254.169.254 is not a unicast target'],
    [1, 'udp 10.0.0.4 > 224.0.0.1:5353', 'martian: 224.0.0.1 is not a unicast target'],
    [1, 'udp 10.0.0.4 > 255.255.255.255:67', 'martian: 255.255.255.255 is not a unicast target'],
    [1, 'udp 10.0.0.4 > 10.0.0.255:67', 'system/vnet: no NIC has 10.0.0.255'],
    [1, 'icmp [fd00::4] > [ff02::1]', 'martian: ff02::1 is not a unicast target'],
    [1, 'tcp 10.0.0.4 > 192.168.1.1:80', 'system/private'],
    [1, 'tcp 10.0.0.4 > 100.64.0.2:80', 'system/private'],
    ['internet', 'tcp 10.0.0.4 > 198.18.0.40:80', 'bogon: 10.0.0.4 never comes from the internet'],
    ['internet', 'tcp 198.18.0.40 > 198.18.0.40:80', 'bogon: 198.18.0.40 never comes from the internet'],
    ['internet', 'tcp 203.0.113.9 > 198.18.0.41:80', 'boundary: 198.18.0.41 is nobody'],
    [9, 'tcp 10.0.0.4 > 10.0.0.5:80', 'no port has mark 9'],
  ]);
});
