/** Network security groups: ordered rules that subnets and NICs share. */

import { rulesPerNsgMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import { keepTracked, openJob, partsOf, replaceChildren } from '#model/job.ts';
import { finish, flagOf, note } from '#model/parse.ts';
import type { Noun } from '#model/noun.ts';
import { links, showNetwork } from '#model/show.ts';
import { showDefaultRules } from '#model/network/default-rules.ts';
import { checkRules, rulePropertiesOf, securityRule, securityRuleType } from '#model/network/security-rule.ts';

const nsgType = 'Microsoft.Network/networkSecurityGroups';

export const nsg: Noun = {
  type: nsgType,

  write(write, draft, context) {
    const job = openJob(nsgType, write, { draft, context });
    const parts = partsOf(job.properties, 'securityRules', { max: rulesPerNsgMax, type: securityRuleType }) ?? [];
    const wanted = parts.map(({ name, properties }) => ({ name, properties: rulePropertiesOf(properties, job) }));
    const flushConnection = flagOf(job.properties, 'flushConnection');
    // A change of a rule leaves established flows alone; to accept this and go on so would leave open what was closed.
    if (flushConnection === true) {
      note(
        job.properties,
        'flushConnection',
        'established flows outlive a change of rules on this stamp; false is accepted',
      );
    }
    finish(job.body);
    checkRules(wanted);
    const properties = { flushConnection };
    const kept = keepTracked(job, { properties, internal: job.before?.internal ?? { guid: context.newGuid() } });
    replaceChildren(kept, { type: securityRuleType, wanted, remove: securityRule.remove }, job);
    return draft.get(kept.id) ?? kept;
  },

  remove(resource, draft, context) {
    const user = draft.referrersOf(resource.id)[0];
    if (user !== undefined) {
      throw new Refusal(
        'InUseNetworkSecurityGroupCannotBeDeleted',
        `Network security group ${resource.id} cannot be deleted because it is in use by the following resource: ${user.id}.`,
        {
          target: resource.id,
        },
      );
    }
    for (const child of draft.childrenOf(resource.id, securityRuleType)) securityRule.remove(child, draft, context);
    draft.delete(resource.id);
  },

  show(resource, view, context) {
    const users = view.referrersOf(resource.id);
    const of = (type: string) => users.filter((user) => user.type === type).map(({ id }) => id);
    const subnets = of('Microsoft.Network/virtualNetworks/subnets');
    const nics = of('Microsoft.Network/networkInterfaces');
    return showNetwork(resource, {
      ...resource.properties,
      resourceGuid: resource.internal?.['guid'],
      securityRules: view
        .childrenOf(resource.id, securityRuleType)
        .map((child) => securityRule.show(child, view, context)),
      defaultSecurityRules: showDefaultRules(resource),
      ...(nics.length > 0 && { networkInterfaces: links(nics) }),
      ...(subnets.length > 0 && { subnets: links(subnets) }),
    });
  },
};
