/** Azure's own ids of the built-in roles that the stamp knows; `access/roles.ts` says what they allow. */

export const builtInRoleId = {
  owner: '8e3af657-a8ff-443c-a75c-2fe8c4bcb635',
  contributor: 'b24988ac-6180-42a0-ab88-20f7382dd24c',
  reader: 'acdd72a7-3385-48ef-bd42-f606fba81ae7',
  userAccessAdministrator: '18d7d88d-d35e-4fb5-a5c3-7773c20a72d9',
  networkContributor: '4d97b98b-1d4f-4787-a291-c67834d212e7',
  virtualMachineContributor: '9980e02c-c2be-4d73-94e8-173b1dc7cf3c',
  storageAccountContributor: '17d1049b-9a84-46fb-8f53-869881c3d3ab',
  securityAdmin: 'fb1c8493-542b-48eb-b624-b4c8fea62acd',
  securityReader: '39bc4728-0917-49c7-9d2c-d95423bc2eb4',
  monitoringReader: '43d0d8ad-25c7-4714-9337-8ba259a9fe05',
  resourcePolicyContributor: '36243c78-bf99-498c-9df9-86d9f8d28608',
} as const;

/** All of them. */
export const builtInRoleIds: readonly string[] = Object.values(builtInRoleId);
