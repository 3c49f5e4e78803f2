/** Policy definitions as ARM shows them: those of the stamp, which everybody may read, and those that are kept at a subscription. */

import { builtInPolicies, builtInPolicy } from '#model/authorization/built-in-policies.ts';
import { policyDefinitionType } from '#model/authorization/policy-types.ts';
import { shown, type Answer } from '#faces/arm/answer.ts';
import { checkSubscription, partOf, type Call } from '#faces/arm/call.ts';
import { equalTo, parseFilter } from '#faces/arm/filter.ts';
import { extensionsAt, readable, shower } from '#faces/arm/list.ts';
import { listAnswer } from '#faces/arm/page.ts';
import { getResource } from '#faces/arm/resource.ts';

/** GET of the definitions that can be assigned at a scope; at the tenant those of the stamp alone. */
export function listPolicies(call: Call): Answer {
  const scope = call.parts['scope'] ?? '';
  if (scope !== '') checkSubscription(call, scope);
  const terms = parseFilter(call.asked.query.get('$filter'), {
    compares: ['policytype', 'category'],
    calls: ['atscope', 'atexactscope'],
  });
  const type = equalTo(terms, 'policytype')?.toLowerCase();
  const kept = scope === '' ? [] : readable(call, extensionsAt(call, { scope, type: policyDefinitionType }));
  const all = [...(type === 'custom' ? [] : builtInPolicies), ...(type === 'builtin' ? [] : kept)];
  return listAnswer(call, all.map(shower(call)));
}

/** GET of one definition by name: a GUID of the stamp's own, wherever it is asked for, or what is kept there. */
export async function getPolicy(call: Call): Promise<Answer> {
  const name = partOf(call, 'policy');
  const builtIn = builtInPolicy(name);
  if (builtIn !== undefined) return shown(call.engine.show(builtIn, call.apiVersion));
  return await getResource({ ...call, parts: { ...call.parts, ...policyParts(call.parts) } });
}

/** The parts by which a definition is a resource like any other. */
export function policyParts(parts: { readonly [name: string]: string }): { readonly [name: string]: string } {
  const id = `${parts['scope'] ?? ''}/providers/${policyDefinitionType}/${parts['policy'] ?? ''}`;
  return { id, type: policyDefinitionType };
}
