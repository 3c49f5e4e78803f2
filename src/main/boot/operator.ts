/** What root on the stamp's own host may ask of the control plane, over its own socket: status, first principals, guests' consoles, programs. */

import { Refusal } from '#base/wrong.ts';
import type { JsonObject } from '#base/json.ts';
import { builtInRoles } from '#access/roles.ts';
import { evaluate } from '#program/eval.ts';
import type { Packet } from '#program/packet.ts';
import type { Programs } from '#program/program.ts';
import { alertsToldMax } from '#base/limits.ts';
import { listAlerts } from '#engine/alerts/alerts.ts';
import { appendAudit } from '#engine/audit/audit.ts';
import type { AuditEntry } from '#engine/audit/entry.ts';
import type { GuestDriver } from '#engine/guest-port.ts';
import type { FlowFiles } from '#engine/flow-logs/files.ts';
import { suggestFor } from '#engine/flow-logs/suggest.ts';
import { readCertificate } from '#engine/identity/certificate.ts';
import type { Directory } from '#engine/identity/directory.ts';
import { addCertificate, addSecret, createServicePrincipal } from '#engine/identity/service-principals.ts';
import type { EndsWorld } from '#engine/questions/ends.ts';
import { explainPacket, type PacketQuestion, whyRule } from '#engine/questions/explain.ts';
import { guestKeyOf } from '#engine/reconcile/guest-follower.ts';
import { subscriptionOf } from '#engine/subscription.ts';
import type { DriftFollower } from '#engine/reconcile/drift-follower.ts';
import { probesWanted } from '#engine/reconcile/probe-follower.ts';
import type { Resource, StampFacts } from '#model/resource.ts';
import type { Assembly, Endpoints } from '#main/boot/assembly.ts';
import { containmentMethods, type ContainmentSource } from '#main/boot/containment.ts';
import { roleAssignment } from '#main/boot/first-resources.ts';
import { directoryMethods } from '#main/boot/operator-directories.ts';
import { clock, dice } from '#main/boot/process.ts';

export type OperatorParts = {
  readonly facts: StampFacts;
  readonly endpoints: Endpoints;
  /** Absent in model mode: nothing runs. */
  readonly guests?: GuestDriver;
  /** Absent in model mode: no packet flows. */
  readonly flowFiles?: FlowFiles;
  /** Absent in model mode: no packet goes over a budget. */
  readonly containment?: ContainmentSource;
  /** Absent in model mode: there is no kernel to tamper with. */
  readonly drift?: DriftFollower;
  /** Sends canaries now; absent where none are sent. */
  readonly canaries?: () => Promise<readonly string[]>;
  /** What was checked behind the proof's and the kernel's back, in numbers. Absent in model mode. */
  readonly checks?: () => JsonObject;
  readonly subscriptionId: string;
  readonly providerSubscriptionId: string;
};

const secretLifeMs = 365 * 24 * 3600 * 1000;

/** The methods of the operator's socket. */
export function operatorMethods(assembly: Assembly, parts: OperatorParts) {
  const { engine } = assembly;
  return {
    status: () => ({
      state: 'ready',
      enforcing: parts.facts.enforcing,
      revision: engine.gate.revision,
      location: parts.facts.location,
      tenantId: parts.facts.tenantId,
      subscriptionId: parts.subscriptionId,
      providerSubscriptionId: parts.providerSubscriptionId,
      endpoints: parts.endpoints,
      untrustedHosts: parts.drift?.untrusted() ?? [],
      ...(parts.checks === undefined ? {} : { checks: parts.checks() }),
      alerts: alertsOf(assembly),
    }),
    createServicePrincipal: (wanted: WantedPrincipal) => makePrincipal(assembly, parts, wanted),
    programs: async (): Promise<JsonObject> => (await engine.gate.standing()).programs,
    evaluate: async (packet: Packet) =>
      evaluate((await engine.gate.standing()).programs as unknown as Programs, packet),
    explain: async (question: PacketQuestion) => explainPacket(question, await worldOf(engine, parts)),
    why: async (rule: string) => whyRule(rule, await worldOf(engine, parts)),
    findings: () => engine.gate.ask((prover) => prover.findings()),
    exposure: () => engine.gate.ask((prover) => prover.exposure()),
    matrix: (scope?: string) => engine.gate.ask((prover) => prover.matrix(scope)),
    prove: (id: string) => engine.gate.ask((prover) => prover.prove(id)),
    isHealthy: (group: string) => {
      const probes = probesWanted(engine.view()).filter(({ balancer }) =>
        balancer.toLowerCase().includes(`/resourcegroups/${group.toLowerCase()}/`),
      );
      return probes.every(({ balancer, probe, address }) => {
        const health = engine.view().get(balancer)?.internal?.['health'] as
          | { [name: string]: { [member: string]: string } }
          | undefined;
        return health?.[probe]?.[address] === 'up';
      });
    },
    suggest: async (nsg: string, days: number) => await suggestionOf(assembly, parts, { nsg, days }),
    canaries: async () => await sendCanaries(parts),
    drift: () => ({ changes: parts.drift?.recent() ?? [], untrustedHosts: parts.drift?.untrusted() ?? [] }),
    trust: (host: string) => trustHost(parts, host),
    policySigned: (about: SignedPolicy) => auditPolicy(assembly, parts, about),
    resource: (id: string) => engine.view().get(id) ?? null,
    ...containmentMethods(assembly, parts.containment),
    ...guestMethods(assembly, parts),
    ...directoryMethods(assembly, (about) => operatorAudit(about, parts)),
  };
}

/** What someone must look at, newest first. */
function alertsOf({ store }: Assembly): JsonObject[] {
  const active = listAlerts(store, { state: 'Active' }).slice(0, alertsToldMax);
  return active.map(({ id, code, resource, severity, says, openedAt }) => {
    return { id, code, resource, severity, says, openedAt: new Date(openedAt).toISOString() };
  });
}

async function worldOf(engine: Assembly['engine'], { facts }: OperatorParts): Promise<EndsWorld> {
  return {
    programs: (await engine.gate.standing()).programs as unknown as Programs,
    view: engine.view(),
    stamp: facts,
  };
}

/** Rules for a group from the flows that its log has seen (`engine/flow-logs/suggest.ts`). */
async function suggestionOf(
  { engine }: Assembly,
  { flowFiles }: OperatorParts,
  { nsg, days }: { readonly nsg: string; readonly days: number },
) {
  const group = engine.view().get(nsg);
  if (group?.type !== 'Microsoft.Network/networkSecurityGroups' || flowFiles === undefined)
    throw new Refusal('FlowsNotFound', `There is no network security group ${nsg} on a stamp that enforces.`, {
      status: 404,
      target: 'nsg',
    });
  const programs = (await engine.gate.standing()).programs as unknown as Programs;
  return suggestFor(group.id, { programs, files: flowFiles, since: clock.now() - days * 86_400_000 });
}

/** A principal with a role, as `createServicePrincipal` of the operator's socket is asked for it. */
export type WantedPrincipal = {
  readonly name: string;
  readonly role: string;
  readonly scope?: string;
  readonly certificatePem?: string;
};

async function makePrincipal({ engine, directory }: Assembly, parts: OperatorParts, wanted: WantedPrincipal) {
  const role = builtInRoles.find((candidate) => candidate.roleName.toLowerCase() === wanted.role.toLowerCase());
  if (role === undefined) {
    const known = builtInRoles.map((candidate) => candidate.roleName).join(', ');
    throw new Refusal('RoleUnknown', `There is no role "${wanted.role}". Known: ${known}.`, { target: 'role' });
  }
  const principal = await createServicePrincipal(directory, { displayName: wanted.name });
  const secret = await firstCredential(directory, principal.id, wanted.certificatePem);
  const scope = wanted.scope ?? `/subscriptions/${parts.subscriptionId}`;
  const { now } = engine.context('2020-09-01');
  await engine.gate.change((draft) => {
    const common = { etag: `W/"${dice.guid()}"`, createdAt: now, changedAt: now };
    const made = roleAssignment({ scope, principalId: principal.id, role: role.id, type: 'ServicePrincipal' }, common);
    draft.put(made);
    return { value: undefined, about: { subscription: subscriptionOf(scope), audit: operatorAudit(made, parts) } };
  });
  return {
    appId: principal.appId,
    oid: principal.id,
    tenantId: parts.facts.tenantId,
    ...(secret === undefined ? {} : { secret }),
  };
}

/** One round of canaries, apart from those on schedule; answers what each showed. */
async function sendCanaries({ canaries }: OperatorParts): Promise<readonly string[]> {
  if (canaries !== undefined) return await canaries();
  throw new Refusal('CanariesOff', 'No canaries are sent: nothing runs in a model, or the settings turn them off.', {
    status: 404,
  });
}

async function trustHost(parts: OperatorParts, host: string): Promise<JsonObject> {
  if (parts.drift === undefined)
    throw new Refusal('HostNotUntrusted', 'Nothing runs in a model: there is no host to trust.', { status: 404 });
  await parts.drift.trust(host, operatorAudit({ id: `host/${host}`, type: 'Ringwall.Fabric/hosts/trust' }, parts));
  return { trusted: host };
}

/** A bundle of the operator's that was given to the prover: `code` says why it was not taken. */
export type SignedPolicy = { readonly version: number; readonly digest: string; readonly code?: string };

async function auditPolicy({ store }: Assembly, parts: OperatorParts, about: SignedPolicy): Promise<JsonObject> {
  const { version, digest, code } = about;
  // The operator's first subscription, where the operator looks.
  const bundle = `/subscriptions/${parts.subscriptionId}/providers/Ringwall.Policy/bundles/${version}`;
  const entry = operatorAudit({ id: bundle, type: 'Ringwall.Policy/bundles' }, parts);
  const says = `version ${version}, SHA-256 ${digest}, ${code === undefined ? 'given to the prover' : 'not taken'}`;
  await appendAudit(store, parts.subscriptionId, {
    ...entry,
    says,
    ...(code === undefined ? {} : { outcome: 'Refused', code }),
  });
  return { audited: true };
}

/** Root on the host has no account here; the audit says so. */
function operatorAudit({ id, type }: Pick<Resource, 'id' | 'type'>, { facts }: OperatorParts): AuditEntry {
  return {
    at: clock.now(),
    who: { tenant: facts.tenantId, upn: 'root on the host' },
    from: 'operator socket',
    operation: `${type}/write`,
    resource: id,
    outcome: 'Succeeded',
    correlationId: dice.guid(),
  };
}

function guestMethods({ engine }: Assembly, { guests }: OperatorParts) {
  const guestOf = (machineId: string) => {
    const machine = engine.view().get(machineId);
    if (machine === undefined || guests === undefined) {
      throw new Refusal('GuestNotFound', `There is no running guest ${machineId}.`, { status: 404 });
    }
    return { guests, key: guestKeyOf(machine) };
  };
  return {
    exec: async (machineId: string, argv: readonly string[], options: { stdin?: string; timeoutMs?: number }) => {
      const guest = guestOf(machineId);
      return await guest.guests.exec(guest.key, argv, options);
    },
    console: async (machineId: string, tail: number) => {
      const guest = guestOf(machineId);
      return await guest.guests.console(guest.key, { tail });
    },
  };
}

/** A certificate when one is given, else a generated secret, which is answered once. */
async function firstCredential(
  directory: Directory,
  oid: string,
  pem: string | undefined,
): Promise<string | undefined> {
  if (pem !== undefined) {
    await addCertificate(directory, oid, readCertificate(pem, 'first'));
    return undefined;
  }
  const { secret } = await addSecret(directory, oid, { displayName: 'first', lifeMs: secretLifeMs });
  return secret.reveal();
}
