/** What the engine may ask of guests: start, stop, watch and reach into them, whatever runs them underneath. */

/** One address of a guest's interface. `gateway` is reached on the link itself (routed /32 and /128 ports, decision D3.4). */
export type GuestAddress = {
  readonly address: string;
  readonly gateway: string;
  /** The subnet's length, for people to see; on the wire the guest has a /32 or a /128. */
  readonly prefixLength: number;
};

/** One network interface; its veth end is moved in after `start` by the owner of the data plane. */
export type GuestNic = {
  /** eth0, eth1 … in the order of the machine's NICs; the primary one comes first and owns the default route. */
  readonly name: string;
  readonly mac: string;
  readonly mtu: number;
  readonly addresses: readonly GuestAddress[];
};

/** Which root file system a guest starts from. */
export type GuestImage = { readonly kind: 'lab' | 'debian-12' };

/** All that a guest is made of. `uidFirst` begins a range of 65,536 uids that no other guest shares (decision D4.7). */
export type GuestSpec = {
  /** The machine's own unique id; another machine of the same name has another. */
  readonly id: string;
  /** Short and unique on the host, [a-z0-9], used in paths and control groups. */
  readonly key: string;
  readonly hostname: string;
  readonly image: GuestImage;
  readonly uidFirst: number;
  readonly cpuCount: number;
  readonly memoryMiB: number;
  readonly adminUsername: string;
  readonly sshPublicKeys: readonly string[];
  /** A crypt(5) hash (`$6$…` or `$y$…`), never the password. */
  readonly adminPasswordHash?: string;
  /** Base64, as ARM carries it; run once at first start when it begins with `#!`. */
  readonly customData?: string;
  readonly nics: readonly GuestNic[];
  readonly resolver: string;
  /** The domain in which bare names are looked up. */
  readonly searchDomain?: string;
  /** True lets a network virtual appliance forward packets (ARM `enableIPForwarding`). */
  readonly ipForwarding?: boolean;
};

export type GuestState = {
  readonly key: string;
  /** The `id` of the spec that it was made from, when it is known: a key may have been given to another machine since. */
  readonly id?: string;
  /** The guest's init as the host's pid namespace sees it; 0 while stopped. */
  readonly pid: number;
  readonly state: 'running' | 'stopped';
  /** Milliseconds since the epoch; 0 when it never ran. */
  readonly startedAt: number;
};

export type GuestExit = { readonly code: number; readonly stdout: string; readonly stderr: string };

export type GuestExecOptions = { readonly stdin?: string; readonly timeoutMs?: number };

/** Something this host cannot enforce for guests: shown, never silent (architecture §7). */
export type GuestFinding = { readonly code: string; readonly message: string };

/** A virtual machine extension that runs a command inside the guest. */
export type GuestExtension = {
  readonly publisher: string;
  readonly type: string;
  readonly settings: { readonly commandToExecute?: string; readonly script?: string };
};

/** One way to run guests (`sandbox` today). Every call may throw a Fault; `start` of a bad spec a Refusal. */
export interface GuestDriver {
  /** Starts a guest and answers with its init's pid; an already running guest answers with the pid it has. */
  start(spec: GuestSpec): Promise<{ readonly pid: number }>;
  /** Resolves when the guest's init says that its interfaces and services are up. */
  ready(key: string): Promise<void>;
  stop(key: string, options?: { readonly force?: boolean }): Promise<void>;
  restart(spec: GuestSpec): Promise<{ readonly pid: number }>;
  /** Stops the guest if it runs and removes all it had on disk. Removing what is not there is no error. */
  remove(key: string): Promise<void>;
  list(): Promise<readonly GuestState[]>;
  /** The end of the serial console's log, control characters removed. */
  console(key: string, options?: { readonly tail?: number }): Promise<string>;
  exec(key: string, argv: readonly string[], options?: GuestExecOptions): Promise<GuestExit>;
  /** Runs a CustomScript-like extension inside the guest; an unknown type is a Refusal. */
  runExtension(key: string, extension: GuestExtension): Promise<GuestExit>;
  /** What this host can and cannot enforce. */
  probe(): Promise<readonly GuestFinding[]>;
  /** Lets go of the guests without stopping them. */
  close(): Promise<void>;
}
