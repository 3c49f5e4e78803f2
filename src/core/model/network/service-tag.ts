/** The service tags that rules may name: three that every stamp knows. */

/** Canonical spelling of the tags with a meaning of their own (decisions D2.6, D2.7). */
export const serviceTags = ['VirtualNetwork', 'Internet', 'AzureLoadBalancer'] as const;

type ServiceTag = (typeof serviceTags)[number];

// The spellings of the first Azure API, still found in old templates.
const olds: ReadonlyMap<string, ServiceTag> = new Map([
  ['virtual_network', 'VirtualNetwork'],
  ['azure_loadbalancer', 'AzureLoadBalancer'],
]);
const tags: ReadonlyMap<string, ServiceTag> = new Map([
  ...serviceTags.map((tag) => [tag.toLowerCase(), tag] as const),
  ...olds,
]);

/** The tag that a text names, without regard to case. */
export function serviceTagOf(text: string): ServiceTag | undefined {
  return tags.get(text.toLowerCase());
}
