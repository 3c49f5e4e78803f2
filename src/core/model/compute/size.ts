/** VM sizes: what each name means in cores, memory, disks and NICs. */

import type { JsonObject } from '#base/json.ts';

export type Size = {
  readonly name: string;
  readonly cores: number;
  readonly memoryMb: number;
  readonly disks: number;
  readonly nics: number;
};

/** Azure doc "Sizes for virtual machines": name, cores, memory in MB, data disks, NICs. */
const rows: readonly [string, number, number, number, number][] = [
  ['Basic_A0', 1, 768, 1, 2],
  ['Basic_A1', 1, 1792, 2, 2],
  ['Basic_A2', 2, 3584, 4, 2],
  ['Standard_A0', 1, 768, 1, 2],
  ['Standard_A1', 1, 1792, 2, 2],
  ['Standard_A2', 2, 3584, 4, 2],
  ['Standard_A3', 4, 7168, 8, 2],
  ['Standard_A4', 8, 14_336, 16, 4],
  ['Standard_A1_v2', 1, 2048, 2, 2],
  ['Standard_A2_v2', 2, 4096, 4, 2],
  ['Standard_A4_v2', 4, 8192, 8, 4],
  ['Standard_B1ls', 1, 512, 2, 2],
  ['Standard_B1s', 1, 1024, 2, 2],
  ['Standard_B1ms', 1, 2048, 2, 2],
  ['Standard_B2s', 2, 4096, 4, 3],
  ['Standard_B2ms', 2, 8192, 4, 3],
  ['Standard_B4ms', 4, 16_384, 8, 4],
  ['Standard_B2s_v2', 2, 8192, 4, 2],
  ['Standard_D1', 1, 3584, 4, 2],
  ['Standard_D2', 2, 7168, 8, 2],
  ['Standard_D1_v2', 1, 3584, 4, 2],
  ['Standard_D2_v2', 2, 7168, 8, 2],
  ['Standard_D3_v2', 4, 14_336, 16, 4],
  ['Standard_D4_v2', 8, 28_672, 32, 8],
  ['Standard_DS1', 1, 3584, 4, 2],
  ['Standard_DS2', 2, 7168, 8, 2],
  ['Standard_DS1_v2', 1, 3584, 4, 2],
  ['Standard_DS2_v2', 2, 7168, 8, 2],
  ['Standard_DS3_v2', 4, 14_336, 16, 4],
  ['Standard_DS4_v2', 8, 28_672, 32, 8],
  ['Standard_D2_v3', 2, 8192, 4, 2],
  ['Standard_D4_v3', 4, 16_384, 8, 2],
  ['Standard_D2s_v3', 2, 8192, 4, 2],
  ['Standard_D4s_v3', 4, 16_384, 8, 2],
  ['Standard_D8s_v3', 8, 32_768, 16, 4],
  ['Standard_D2s_v4', 2, 8192, 4, 2],
  ['Standard_D2s_v5', 2, 8192, 4, 2],
  ['Standard_D4s_v5', 4, 16_384, 8, 2],
  ['Standard_D8s_v5', 8, 32_768, 16, 4],
  ['Standard_D2ds_v5', 2, 8192, 4, 2],
  ['Standard_E2s_v3', 2, 16_384, 4, 2],
  ['Standard_E2s_v5', 2, 16_384, 4, 2],
  ['Standard_F1', 1, 2048, 4, 2],
  ['Standard_F2', 2, 4096, 8, 2],
  ['Standard_F1s', 1, 2048, 4, 2],
  ['Standard_F2s', 2, 4096, 8, 2],
  ['Standard_F2s_v2', 2, 4096, 4, 2],
  ['Standard_F4s_v2', 4, 8192, 8, 2],
  ['Standard_F8s_v2', 8, 16_384, 16, 4],
];

/** All sizes, in the order of the table. */
export const sizes: readonly Size[] = rows.map(([name, cores, memoryMb, disks, nics]) => ({
  name,
  cores,
  memoryMb,
  disks,
  nics,
}));

const byName: ReadonlyMap<string, Size> = new Map(sizes.map((size) => [size.name.toLowerCase(), size]));

/** The size that a name means, without regard to case. */
export function sizeNamed(name: string): Size | undefined {
  return byName.get(name.toLowerCase());
}

/** The sizes as `locations/{location}/vmSizes` lists them. */
export function showSizes(): JsonObject[] {
  return sizes.map(({ name, cores, memoryMb, disks }) => ({
    name,
    numberOfCores: cores,
    osDiskSizeInMB: 1_047_552,
    resourceDiskSizeInMB: 0,
    memoryInMB: memoryMb,
    maxDataDiskCount: disks,
  }));
}
