/** The kernel against oracle and verifier: real packets through the namespaces of random stamps. */

import { differential } from '#test/stamp/differential.ts';
import { freeStamp, Harness } from '#test/stamp/harness.ts';
import type { PartEnd, PartOrder } from '#test/oracle/part.ts';

const packetsPerStamp = 400;

/** Sends `count` packets; the namespaces are removed also when it is stopped. */
export async function kernelPart({ seed, count, onProgress }: PartOrder): Promise<PartEnd> {
  const harness = new Harness(freeStamp());
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= harness.close());
  const stop = (): void => void close().finally(() => process.exit(130));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop);
  try {
    await harness.open();
    const stamps = Math.ceil(count / packetsPerStamp);
    const { packets, delivered, disagreements } = await differential(harness, {
      seed,
      stamps,
      packets: packetsPerStamp,
      onStamp: (index) => onProgress(index / stamps),
    });
    return { checked: packets, says: `${delivered} of them delivered, ${stamps} stamps`, disagreements };
  } finally {
    await close();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, stop);
  }
}
