/** Whether a guest already holds its end of a NIC's link. */

import type { JsonObject } from '#base/json.ts';
import { ipJson, run } from '#adapters/linux/ip.ts';
import { linksOf } from '#adapters/linux/netns.ts';
import type { Port } from '#program/program.ts';

type Ends = { readonly namespace: string; readonly guest: string; readonly name: string };

/** Is the guest's link the other end of the router's port? Each end names the other's number, and the guest's has the NIC's address. */
export async function isAttached({ namespace, guest, name }: Ends, { mark, mac }: Port): Promise<boolean> {
  if (!linksOf(namespace).includes(`n${mark}`)) return false;
  const [near] = await ipJson(namespace, ['link', 'show', 'dev', `n${mark}`]);
  // Without a link of that name the command fails, which answers the question.
  const text = await run(['nsenter', `--net=${guest}`, 'ip', '-j', '-N', 'link', 'show', 'dev', name], '').catch(
    () => '[]',
  );
  const far = (JSON.parse(text) as JsonObject[])[0];
  if (near === undefined || far === undefined) return false;
  return far['link_index'] === near['ifindex'] && near['link_index'] === far['ifindex'] && far['address'] === mac;
}
