/** VM extensions: kept with their settings; protected settings are never shown again. */

import { canonical, isObject, type JsonObject } from '#base/json.ts';
import { keepTracked, openJob, touchParent } from '#model/job.ts';
import { mergingPatch } from '#model/merge-patch.ts';
import { flagOf, member, note, textOf, type Reader } from '#model/parse.ts';
import type { Noun } from '#model/noun.ts';
import { showPlain } from '#model/show.ts';

export const extensionType = 'Microsoft.Compute/virtualMachines/extensions';

/** Settings of an extension, as text. */
const settingsCharactersMax = 256 * 1024;

export const extension: Noun = {
  type: extensionType,

  write(write, draft, context) {
    const job = openJob(extensionType, write, { draft, context });
    const { properties, before } = job;
    const stated = {
      publisher: needed(properties, 'publisher'),
      type: needed(properties, 'type'),
      typeHandlerVersion:
        textOf(properties, 'typeHandlerVersion', {
          lengthMax: 32,
          pattern: /^\d+(\.\d+){0,3}$/,
          wants: 'a version such as 2.1',
        }) ?? '1.0',
      autoUpgradeMinorVersion: flagOf(properties, 'autoUpgradeMinorVersion') ?? true,
      enableAutomaticUpgrade: flagOf(properties, 'enableAutomaticUpgrade'),
      forceUpdateTag: textOf(properties, 'forceUpdateTag', { lengthMax: 256 }),
      settings: settingsOf(properties, 'settings'),
    };
    const secrets = settingsOf(properties, 'protectedSettings') ?? before?.internal?.['protectedSettings'];
    const kept = keepTracked(job, {
      properties: stated,
      internal: { ...(secrets !== undefined && { protectedSettings: secrets }) },
    });
    touchParent(kept.id, job);
    return kept;
  },

  remove(resource, draft, context) {
    draft.delete(resource.id);
    touchParent(resource.id, { draft, context });
  },

  show: (resource) => showPlain(resource, resource.properties),

  patch: mergingPatch(() => extension),
};

function needed(properties: Reader, name: string): string | undefined {
  return textOf(properties, name, { required: true, lengthMax: 128 });
}

function settingsOf(properties: Reader, name: string): JsonObject | undefined {
  const stated = member(properties, name);
  if (stated === undefined) return undefined;
  if (!isObject(stated)) note(properties, name, 'an object is wanted');
  else if (canonical(stated).length > settingsCharactersMax)
    note(properties, name, `at most ${settingsCharactersMax} characters are accepted`);
  else return stated;
  return undefined;
}
