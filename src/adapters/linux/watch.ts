/** Notices of the kernel about links, addresses, routes and rules of one namespace: something was changed, by whom the kernel does not say (decision D3.8). */

import { type Message, NetlinkSocket } from '#adapters/linux/netlink.ts';

/** rtnetlink(7): the groups of one namespace that we listen to, as the bits of `nl_groups` (group g is bit g − 1). */
const groups = [1, 3, 5, 7, 8, 9, 11, 19].reduce((mask, group) => mask | (1 << (group - 1)), 0);
const netlinkRoute = 0;
/** rtnetlink.h: RTM_NEWNEIGH, RTM_DELNEIGH; neighbour.h: NUD_PERMANENT. */
const neighbourTypes = [28, 29];
const permanent = 0x80;
/** Offset of `ndm_state` in `struct ndmsg`. */
const stateOffset = 8;

/** Listens from its making on. What we do ourselves is let go of by `forget`. */
export class NetworkWatch {
  readonly #socket: NetlinkSocket;
  #count = 0;

  constructor(namespace: string) {
    this.#socket = new NetlinkSocket(namespace, netlinkRoute, groups);
  }

  /** How many notices came since the last call; a lost one counts too. */
  take(): number {
    this.#drain();
    const count = this.#count;
    this.#count = 0;
    return count;
  }

  /** What came until now was our own doing. */
  forget(): void {
    this.take();
  }

  close(): void {
    this.#socket.close();
  }

  #drain(): void {
    for (const one of this.#socket.drain()) if (isOurs(one)) this.#count += 1;
    if (this.#socket.takeLossy()) this.#count += 1;
  }
}

/** Entries that the kernel learns and forgets by itself say nothing of what we hold. */
function isOurs({ type, body }: Message): boolean {
  if (!neighbourTypes.includes(type)) return true;
  return body.length >= stateOffset + 2 && (body.readUInt16LE(stateOffset) & permanent) !== 0;
}
