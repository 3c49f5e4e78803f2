/** Virtual machines by az: made from its own template, shown with addresses, started, stopped, extended, deleted. */

import { az, refused } from '#test/peers/az.ts';
import { has } from '#test/peers/row.ts';
import { sshKey } from '#test/peers/ssh-key.ts';
import type { AzSuite } from '#test/peers/suites/suite.ts';

const slow = { secondsMax: 90 };

export const machine: AzSuite = {
  name: 'machine',
  says: '[S2.19] virtual machines and their extensions',
  release: 'trixie',
  files: { 'key.pub': `${sshKey()}\n` },
  rows: [
    az('group create -n {group} -l {location}'),
    az('vm image list-publishers -l {location}', { '': has('Ringwall') }),
    az('vm image list-skus -l {location} -p Ringwall -f lab', { '': has('tiny') }),
    az('vm image show -l {location} --urn Ringwall:lab:tiny:latest', { 'osDiskImage.operatingSystem': 'Linux' }),
    az('vm list-sizes -l {location}', { '': has('Standard_DS1_v2') }),
    az(
      'network vnet create -g {group} -n net --address-prefixes 10.1.0.0/16 --subnet-name web --subnet-prefixes 10.1.1.0/24',
    ),
    az(
      'vm create -g {group} -n one --image Ringwall:lab:tiny:latest --size Standard_DS1_v2 --admin-username operator --ssh-key-values {file.key.pub} --vnet-name net --subnet web --nsg-rule SSH --public-ip-sku Standard',
      {
        powerState: 'VM running',
        privateIpAddress: '10.1.1.4',
        publicIpAddress: /^198\.18\./,
        location: /^\w+$/,
        macAddress: (value) => typeof value === 'string',
      },
      slow,
    ),
    az('network nsg rule list -g {group} --nsg-name oneNSG', {
      '[0].destinationPortRange': '22',
      '[0].priority': 1000,
    }),
    az(
      "vm create -g {group} -n two --image Ringwall:lab:tiny:latest --size Standard_DS1_v2 --admin-username operator --ssh-key-values {file.key.pub} --vnet-name net --subnet web --nsg '' --public-ip-address ''",
      { powerState: 'VM running', privateIpAddress: '10.1.1.5', publicIpAddress: '' },
      slow,
    ),
    refused(
      "vm create -g {group} -n three --image Ringwall:lab:tiny:latest --admin-username operator --authentication-type password --admin-password Password1234! --vnet-name net --subnet web --nsg '' --public-ip-address ''",
      /password/i,
    ),
    refused(
      "vm create -g {group} -n three --image Ringwall:lab:absent:latest --admin-username operator --ssh-key-values {file.key.pub} --nsg '' --public-ip-address ''",
      /absent|NotFound/,
    ),
    az('vm show -g {group} -n one -d', {
      powerState: 'VM running',
      publicIps: /^198\.18\./,
      privateIps: '10.1.1.4',
      vmId: /^[0-9a-f-]{36}$/,
    }),
    az('vm list -g {group} -d', { length: 2, '': has('one') }),
    az('vm list', { '': has('two') }),
    az('vm get-instance-view -g {group} -n one', {
      'instanceView.statuses': (value) => JSON.stringify(value).includes('PowerState/running'),
    }),
    az('vm stop -g {group} -n one'),
    az('vm show -g {group} -n one -d', { powerState: 'VM stopped' }),
    az('vm start -g {group} -n one'),
    az('vm show -g {group} -n one -d', { powerState: 'VM running' }),
    az('vm restart -g {group} -n one'),
    az('vm deallocate -g {group} -n one'),
    az('vm show -g {group} -n one -d', { powerState: 'VM deallocated' }),
    az('vm start -g {group} -n one'),
    az('vm update -g {group} -n one --set tags.tier=web', { 'tags.tier': 'web' }),
    az(
      'vm extension set -g {group} --vm-name one -n customScript --publisher Microsoft.Azure.Extensions --version 2.1 --settings \'{"commandToExecute":"true"}\'',
      { provisioningState: 'Succeeded', typePropertiesType: 'customScript' },
      slow,
    ),
    az('vm extension list -g {group} --vm-name one', { '': has('customScript') }),
    az('vm extension delete -g {group} --vm-name one -n customScript'),
    az('network nic show -g {group} -n oneVMNic', { 'virtualMachine.id': /\/virtualMachines\/one$/ }),
    refused('network nic delete -g {group} -n oneVMNic', /NicInUse|InUse|in use|attached/),
    az('vm availability-set create -g {group} -n set', { name: 'set' }),
    az('vm availability-set delete -g {group} -n set'),
    az('disk create -g {group} -n data --size-gb 4', { diskSizeGB: 4, provisioningState: 'Succeeded' }),
    az('disk delete -g {group} -n data --yes'),
    az('vm delete -g {group} -n two --yes'),
    az('vm list -g {group}', { length: 1 }),
    az('group delete -n {group} --yes', {}, slow),
  ],
};
