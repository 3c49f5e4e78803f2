/** A kept-open nftables context of one namespace: transactions in, the handles of new rules out, and every foreign change noticed. */

import koffi from 'koffi';
import { Fault } from '#base/wrong.ts';
import { inNamespace } from '#adapters/linux/netns.ts';
import {
  attribute,
  message,
  type Message,
  NetlinkSocket,
  numberAttribute,
  readAttributes,
  textAttribute,
} from '#adapters/linux/netlink.ts';
import { tableName } from '#adapters/linux/names.ts';

/** The functions of libnftables that we call, loaded at the first use: a command that needs no kernel needs no library. */
function loadLibrary() {
  const library = openLibrary();
  return {
    contextNew: library.func('void *nft_ctx_new(uint32_t flags)'),
    contextFree: library.func('void nft_ctx_free(void *context)'),
    bufferOutput: library.func('int nft_ctx_buffer_output(void *context)'),
    bufferError: library.func('int nft_ctx_buffer_error(void *context)'),
    getOutput: library.func('const char *nft_ctx_get_output_buffer(void *context)'),
    getError: library.func('const char *nft_ctx_get_error_buffer(void *context)'),
    setFlags: library.func('void nft_ctx_output_set_flags(void *context, uint32_t flags)'),
    runBuffer: library.func('int nft_run_cmd_from_buffer(void *context, const char *commands)'),
  };
}

function openLibrary() {
  try {
    return koffi.load('libnftables.so.1');
  } catch (error) {
    throw new Fault(
      'LibraryMissing',
      'Cannot load libnftables.so.1: the Debian package libnftables1 is needed.',
      error,
    );
  }
}

let loaded: ReturnType<typeof loadLibrary> | undefined;

function nftables(): ReturnType<typeof loadLibrary> {
  loaded ??= loadLibrary();
  return loaded;
}

/** libnftables.h: stateless (no counter values) and with handles. */
const outputStateless = 1 << 2;
const outputHandle = 1 << 3;

const netlinkNetfilter = 12;
const nftablesGroup = 1 << 6;
const subsystem = 10 << 8;
const newRule = subsystem | 6;
const deleteRule = subsystem | 8;
const newGeneration = subsystem | 15;
const batchBegin = 16;
const batchEnd = 17;
const errorMessage = 2;
const requestAck = 0x5;
const createFlag = 0x400;
const appendFlag = 0x800;

/** A rule that a transaction made, in the order of the commands. */
export type NewRule = { readonly chain: string; readonly handle: number; readonly body: Buffer };

/** A change that was not ours: who made it, as the kernel says (decision D3.8). */
export type ForeignChange = { readonly generation: number; readonly pid: number; readonly process: string };

/** What a transaction did: the rules it made, and the generation of the ruleset since. */
export type Committed = { readonly rules: readonly NewRule[]; readonly generation: number };

/** Where one compiled rule goes, or which goes away. */
export type RawChange =
  | { readonly kind: 'delete'; readonly family: string; readonly chain: string; readonly handle: number }
  | {
      readonly kind: 'insert';
      readonly family: string;
      readonly chain: string;
      readonly before: number | undefined;
      readonly compiled: Buffer;
    };

export class NftContext {
  readonly namespace: string;
  readonly #context: unknown;
  readonly #socket: NetlinkSocket;
  readonly #foreign: ForeignChange[] = [];
  #sequence = 1;
  #isClosed = false;

  constructor(namespace: string, { isStateless = true }: { readonly isStateless?: boolean } = {}) {
    this.namespace = namespace;
    this.#context = inNamespace(namespace, () => nftables().contextNew(0) as unknown);
    nftables().bufferOutput(this.#context);
    nftables().bufferError(this.#context);
    nftables().setFlags(this.#context, (isStateless ? outputStateless : 0) | outputHandle);
    this.#socket = new NetlinkSocket(namespace, netlinkNetfilter, nftablesGroup);
  }

  /** Commits commands as one transaction: all or nothing. */
  commit(commands: string): Committed {
    this.#collect([], false);
    this.run(commands);
    return this.#committed();
  }

  /** Lists our tables with handles, in nft's own text. */
  list(): string {
    return this.run('list ruleset');
  }

  /** Commits deletions and placements of compiled rules without reading anything of the table first (≈ 0.1 ms). */
  commitRaw(changes: readonly RawChange[]): Committed {
    this.#collect([], false);
    const first = this.#sequence;
    const parts = [this.#message(batchBegin, 1, batchBody())];
    changes.forEach((change, index) => parts.push(this.#change(change, index === changes.length - 1)));
    parts.push(this.#message(batchEnd, 1, batchBody()));
    this.#socket.send(Buffer.concat(parts));
    return this.#committed(first);
  }

  /** Foreign changes seen since the last call. */
  takeForeign(): ForeignChange[] {
    this.#collect([], false);
    return this.#foreign.splice(0);
  }

  /** Did notices get lost, so that only a list tells? */
  takeLossy(): boolean {
    return this.#socket.takeLossy();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    nftables().contextFree(this.#context);
    this.#socket.close();
  }

  /** Runs commands and answers what nft prints. */
  run(commands: string): string {
    if (this.#isClosed) throw new Fault('NftClosed', `The context of ${this.namespace} is closed.`);
    const code = nftables().runBuffer(this.#context, commands) as number;
    const output = (nftables().getOutput(this.#context) as string | null) ?? '';
    const error = (nftables().getError(this.#context) as string | null) ?? '';
    if (code !== 0) throw new Fault('NftRefused', `nft in ${this.namespace}: ${error.trim().slice(0, 2000)}`);
    return output;
  }

  #committed(rawFrom?: number): Committed {
    const rules: NewRule[] = [];
    const generation = this.#collect(rules, true, rawFrom);
    if (generation === undefined)
      throw new Fault('NftUnconfirmed', `The kernel did not confirm a transaction in ${this.namespace}.`);
    return { rules, generation };
  }

  /** Reads notices: groups end with a generation that names who made it. Answers the last generation of ours. */
  #collect(into: NewRule[], isExpected: boolean, rawFrom?: number): number | undefined {
    let group: NewRule[] = [];
    let ours: number | undefined;
    for (const one of this.#socket.drain()) {
      if (one.type === errorMessage) refuseError(one, rawFrom, this.namespace);
      else if (one.type === newRule) group.push(readRule(one));
      else if (one.type === newGeneration) {
        const { generation, pid, process: name } = readGeneration(one);
        if (isExpected && pid === process.pid) {
          ours = generation;
          for (const rule of group) into.push(rule);
        } else if (pid !== process.pid && this.#foreign.length < 1000)
          this.#foreign.push({ generation, pid, process: name });
        group = [];
      }
    }
    return ours;
  }

  #change(change: RawChange, isLast: boolean): Buffer {
    const head = [textAttribute(1, tableName), textAttribute(2, change.chain)];
    const ack = isLast ? requestAck : 1;
    if (change.kind === 'delete') {
      return this.#message(
        deleteRule,
        ack,
        familyBody(change.family, [...head, numberAttribute(3, BigInt(change.handle))]),
      );
    }
    const compiled = readAttributes(change.compiled.subarray(4));
    const parts = [...head, attribute(4, compiled.get(4) ?? Buffer.alloc(0), true)];
    const userdata = compiled.get(7);
    if (userdata !== undefined) parts.push(attribute(7, userdata));
    if (change.before !== undefined) parts.push(numberAttribute(6, BigInt(change.before)));
    const flags = ack | createFlag | (change.before === undefined ? appendFlag : 0);
    return this.#message(newRule, flags, familyBody(change.family, parts));
  }

  #message(type: number, flags: number, body: Buffer): Buffer {
    return message({ type, flags, sequence: this.#sequence++ }, body);
  }
}

function batchBody(): Buffer {
  return Buffer.from([0, 0, 0, 10]);
}

const families: { readonly [family: string]: number } = { inet: 1, ip: 2, arp: 3, netdev: 5, ip6: 10 };

function familyBody(family: string, parts: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.from([families[family] ?? 0, 0, 0, 0]), ...parts]);
}

function refuseError(one: Message, rawFrom: number | undefined, namespace: string): void {
  const code = one.body.readInt32LE(0);
  if (code !== 0 && rawFrom !== undefined)
    throw new Fault('NftRefused', `The kernel refused a transaction in ${namespace} with ${code}.`);
}

function readRule(one: Message): NewRule {
  const attributes = readAttributes(one.body.subarray(4));
  const chain = (attributes.get(2) ?? Buffer.from('\0')).toString('latin1').replace(/\0.*$/s, '');
  return { chain, handle: Number(attributes.get(3)?.readBigUInt64BE() ?? 0n), body: Buffer.from(one.body) };
}

function readGeneration(one: Message): ForeignChange {
  const attributes = readAttributes(one.body.subarray(4));
  return {
    generation: attributes.get(1)?.readUInt32BE() ?? 0,
    pid: attributes.get(2)?.readUInt32BE() ?? 0,
    process: (attributes.get(3) ?? Buffer.from('')).toString('latin1').replace(/\0.*$/s, ''),
  };
}
