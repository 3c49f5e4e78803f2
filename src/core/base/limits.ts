/** Every limit in one place: each list, queue, loop and wait names the line here that bounds it. */

/** Largest request body in bytes (ARM's own cap is 4 MiB for templates, 8 MiB for answers). */
export const bodyBytesMax = 4 * 1024 * 1024;
/** Depth of nesting in a JSON body. */
export const jsonDepthMax = 64;
/** Azure: a resource group has at most 800 resources of one type; a page holds this many. */
export const pageSizeMax = 1000;
/** Paths whose route is remembered, and how long one may be. */
export const routesKnownMax = 1000;
export const routeKnownLengthMax = 512;
/** Bodies kept as bytes for the next reader: of one resource, and of all. */
export const shownTextBytesMax = 512 * 1024;
export const shownTextsBytesMax = 8 * 1024 * 1024;
export const tagsMax = 50;
export const tagKeyMax = 512;
export const tagValueMax = 256;
/** Azure's documented limits of networking resources. */
export const rulesPerNsgMax = 1000;
export const prefixesPerRuleMax = 4000;
export const routesPerTableMax = 400;
export const subnetsPerVnetMax = 3000;
export const peeringsPerVnetMax = 500;
export const addressPrefixesPerVnetMax = 600;
export const ipConfigurationsPerNicMax = 256;
export const nicsPerVmMax = 8;
export const backendPoolMembersMax = 1000;
export const loadBalancerRulesMax = 300;
export const frontendsMax = 600;
/** A rule that expands to more kernel rules than this is refused: the product of prefixes and ports. */
export const rulesExpandedMax = 20_000;
/** ARM: a template expands to at most 800 resources, 256 parameters, 256 variables, 64 outputs, 5 levels of nesting. */
export const templateResourcesMax = 800;
export const templateParametersMax = 256;
export const templateVariablesMax = 256;
export const templateOutputsMax = 64;
export const templateNestingMax = 5;
export const expressionLengthMax = 24_576;
/** Deployments kept per resource group; the oldest ended one goes first (ARM: 800). */
export const deploymentsKeptMax = 800;
export const deploymentParallelMax = 16;
/** Operations kept for pollers, and for how long. */
export const operationsKeptMax = 10_000;
export const operationKeptMs = 24 * 3600 * 1000;
/** A write that is enforced within this time answers `Succeeded` at once (issue A, bench `rule`). */
export const answerInlineMs = 2000;
/** Frames on a local socket between our processes. */
export const frameBytesMax = 64 * 1024 * 1024;
/** The programs of a whole stamp in one frame: some 40,000 NICs with 20 rules each. */
export const programsBytesMax = 256 * 1024 * 1024;
export const callTimeoutMs = 30_000;
/** The store: entries made durable by one commit, appends that wait for one, and the size of one entry's sealed body. */
export const commitEntriesMax = 256;
export const appendsQueuedMax = 4096;
export const entryBytesMax = 16 * 1024 * 1024;
export const entryRowsMax = 10_000;
export const rowKeyLengthMax = 4096;
/** Entries at the end of the log that every open checks; `verify` checks all. */
export const openCheckEntriesMax = 256;
/** Rows and entries fetched from the database at a time. */
export const storePageMax = 64;
/** Entries that one `read` of the log gives at most. */
export const logReadMax = 10_000;
/** Audit entries in one page, and entries looked at to fill it (a rare filter then ends the page early, with a mark to go on). */
export const auditPageMax = 1000;
export const auditScanMax = 10_000;
/** An entry's own time and that of its commit are at most so far apart. */
export const auditCommitLagMs = 10 * 60_000;
/** Usage: how often what is too old is looked for. */
export const usageLookMs = 3_600_000;
/** Usage: how long it is kept, rows that one answer looks at, records on a page, days that are asked for at once. */
export const usageKeptMs = 92 * 86_400_000;
export const usageRowsMax = 100_000;
export const usagePageMax = 1000;
export const usageDaysMax = 92;
/** Events on one page of the activity log. */
export const activityPageMax = 200;
/** Bytes of the text members of an audit entry or alert. */
export const auditTextMax = 4096;
/** Alerts kept; the oldest closed one goes first, and none is opened beyond this many open ones. */
export const alertsKeptMax = 10_000;
/** Open alerts that the status tells of. */
export const alertsToldMax = 50;
/** Template engine: nesting of one expression, steps of one evaluation (a JSON node or a call is one), and the size of one value in characters. */
export const expressionDepthMax = 100;
export const evaluationStepsMax = 2_000_000;
/** Levels of expressions, variables and functions within each other, and of user functions and lambdas among them. */
export const evaluationDepthMax = 600;
export const callDepthMax = 32;
export const templateValueSizeMax = 4 * 1024 * 1024;
/** Azure: a copy loop runs at most 800 times; `range` makes at most 10,000 numbers. */
export const copyCountMax = 800;
export const rangeCountMax = 10_000;
/** Guests of one host, and of one guest: keys, custom data (Azure: 64 KiB before base64), processes. */
export const guestsPerHostMax = 1024;
/** Virtual machines of one stamp: each has a range of 65,536 uids, and 64 stamps with 512 ranges end below 2^32 (range 0 stays free). */
export const guestsPerStampMax = 511;
export const sshKeysPerGuestMax = 20;
export const customDataBytesMax = 64 * 1024;
export const guestProcessesMax = 4096;
/** A launcher that has not handed over to the guest's init by then is ended. */
export const guestLaunchMs = 15_000;
/** How long a guest may take from start to its own word that it is ready (its init waits 60 s for interfaces). */
export const guestReadyMs = 90_000;
/** A guest that has not ended this long after SIGTERM is killed. */
export const guestStopMs = 8_000;
/** Console log kept on disk per guest (two halves), and bytes taken from one guest's console per second. */
export const consoleBytesMax = 512 * 1024;
export const consoleBytesPerSecondMax = 256 * 1024;
/** One command inside a guest: arguments, time, bytes of each output stream. */
export const guestExecArgumentsMax = 256;
export const guestExecMs = 60_000;
export const guestExecBytesMax = 1024 * 1024;
/** An extension may run this long (Azure: 90 minutes for CustomScript; a stamp's operator waits less). */
export const guestExtensionMs = 15 * 60_000;
/** Points one packet may pass in the oracle before it counts as a loop (the longest real way has 8: router, edge, hairpin, host, router, tunnel). */
export const hopsMax = 24;
/** Lines of a program's text form: a router of 1,000 ports and 200 filters has about 100,000. */
export const programLinesMax = 2_000_000;
/** A command of the kernel's tools: how long it may run, and how much it may say. */
export const commandTimeoutMs = 60_000;
export const commandOutputMax = 64 * 1024 * 1024;
/** Requests that the identity provider works on at once. */
export const identityRequestsMax = 1000;
/** Bytes of a health probe's answer that are looked at: the status line is enough. */
export const probeAnswerBytesMax = 4096;
/** How long one health probe may take at most; its interval, when that is shorter. */
export const probeTimeoutMs = 5000;
/** The ARM face: requests worked on at once, path segments, query parameters, and how long a body may take to come. */
export const armRequestsMax = 2000;
export const pathSegmentsMax = 64;
export const queryParametersMax = 64;
export const bodyWaitMs = 60_000;
/** A write whose verb is not long-running waits so long for the world before it answers what is durable. */
export const answerShortMs = 30_000;
/** OData filters: characters, and terms joined by `and`. */
export const filterLengthMax = 2048;
export const filterTermsMax = 20;
/** Refusals written to the audit one by one, per caller and for all, in one window; more are counted and told in one entry. */
export const auditedRefusalsBurst = 120;
export const auditedRefusalsTotal = 2000;
export const auditedRefusalsWindowMs = 60_000;
export const auditedCallersMax = 10_000;
/** Writes waiting at the gate; more are refused so that a flood costs its senders, not memory. */
export const gateWaitingMax = 512;
/** Operations under way at once; a stamp whose world does not follow refuses further writes. */
export const operationsUnderWayMax = 5000;
/** Commits kept for a data plane that does not follow; beyond it everything is given anew when it does. */
export const planeQueueMax = 1024;
/** Deployments that run at once on a stamp, nested ones included; beyond it no new one starts. */
export const deploymentsRunningMax = 64;
/** Tries of a resource of a deployment whose write is refused because too many writes wait, and the wait between them. */
export const deploymentTriesMax = 60;
export const deploymentRetryMs = 1000;
/** Bytes waiting to be read by the peer of a local socket; one that does not read is cut off. */
export const linkUnreadBytesMax = 128 * 1024 * 1024;
/** ARM requests of one caller in an hour, reads and writes apart, and callers whose use is remembered. */
export const requestsPerHourMax = 600_000;
export const budgetCallersMax = 10_000;
/** Names that a stamp's resolver holds: a thousand machines with two each in each of fifty VNets. */
export const resolverNamesMax = 100_000;
/** An engine of the edge: how long it may take to start, to read a new configuration, and to say what it has. */
export const engineWaitMs = 10_000;
/** Characters of one line of an engine's log that are kept. */
export const engineLogLineMax = 2000;
/** A process's log: the size at which it is cut, older files kept beside it, and how often the supervisor looks. */
export const logBytesMax = 16 * 1024 * 1024;
export const logFilesKept = 2;
export const logLookMs = 2000;
/** The prover: rows (of diagrams and labels together; about 100 bytes each) that one store may hold, and steps that one question may take. */
export const proofRowsMax = 2_000_000;
export const proofStepsMax = 10_000_000;
/** The same for what one family of a point's routes and translations is compared by; a router of 1,000 ports takes 1,200,000 steps, 1 s. */
export const decisionNodesMax = 500_000;
export const decisionStepsMax = 8_000_000;
/** A rule that opens more ports than this to many is told as over-broad. */
export const broadPortsMax = 16;
/** Rules that a finding about an idle rule names as the ones that decide in its place. */
export const idleRuleReasonsMax = 5;
/** A question about a flow whose sender's port is left open: ranges of it that rules may tell apart. */
export const flowPortsMax = 256;
/** Resources that one topology tells. */
export const topologyResourcesMax = 5000;
/** Tries to get programs that are as new as the resources before a question is answered from what is there. */
export const standingTriesMax = 3;
/** Commits heard since the last question; beyond it the programs are asked for anew. */
export const standingEditsMax = 256;
/** Prefixes that one answer about effective rules writes out, over all its rules. */
export const effectivePrefixesMax = 200_000;
/** A refusal by the proof: breaches told, ways out of each. */
export const disallowedBreachesMax = 5;
export const disallowedFixesMax = 4;
/** Resources of one model that the prover takes: four times a stamp of 10,000 NICs with 20 rules each. */
export const modelResourcesMax = 1_000_000;
/** Breaches told with their packets and ways out, of one invariant and altogether: of a change, and of what stands. The others are counted. */
export const changeToldEachMax = 20;
export const changeToldMax = 50;
export const standingToldEachMax = 100;
export const standingToldMax = 500;
/** Policy states that one question looks at: a stamp of 10,000 NICs with the baseline has 40,000. More are refused, never cut off. */
export const policyStatesMax = 200_000;
/** A client's clock may be behind ours by this much when it asks for what is so until now. */
export const clockSkewMs = 5 * 60_000;
/** Steps of proofs that a subscription may use: per second on end, and saved up. One rule of an ordinary group takes a few hundred. */
export const proofStepsPerSecond = 500_000;
export const proofStepsSaved = 5_000_000;
export const proofOwnersMax = 10_000;
/** Policies: parties and services that one member names, declared flows, parameters, and policies of one set. */
export const reachPartiesMax = 256;
export const reachServicesMax = 64;
export const reachDeclaredMax = 256;
export const policyParametersMax = 50;
export const policiesPerSetMax = 100;
/** Scopes that an assignment leaves out. */
export const policyNotScopesMax = 400;
/** The operator's signed bundle: characters of its text, invariants and exemptions in it. */
export const bundleLengthMax = 1024 * 1024;
export const bundleInvariantsMax = 500;
export const bundleExemptionsMax = 500;
/** How often it is looked whether an exemption has expired. */
export const exemptionLookMs = 5000;
/** Changes of the set of resources that are remembered by id, for what is made from it step by step. */
export const journalMax = 8192;
/** Questions: legs of one packet's way (an appliance starts a new one), connections that one connectivity check tries, and the seconds each may take. */
export const pathLegsMax = 8;
export const knocksPerCheck = 4;
export const knockWaitS = 2;
/** Steps to tell what each rule of one security group is at an interface: a group of a thousand rules takes 1.2 million, 0.4 s. */
export const idleStepsMax = 1_500_000;
export const connectivityChecksMax = 16;
export const checkHeadersMax = 20;
/** Quotas of a plan and plans of an offer, the largest number of a quota, and what is named that stands in the way of a deletion. */
export const planPartsMax = 50;
export const quotaNumberMax = 1_000_000_000;
/** Subscriptions of one account (and moved at once), and of a stamp from its first day on: the id of one that is gone is kept. */
export const subscriptionsPerAccountMax = 100;
export const subscriptionsMax = 10_000;
/** Profiles of one network configuration diagnostic (Azure: 10), and prefixes that one of them may stand for at a side. */
export const diagnosticProfilesMax = 10;
/** Flow logs: new flows a NIC may have logged a second per direction, what waits in netd, flows watched for their end per router. */
export const flowLogRate = 100;
export const flowsQueuedMax = 10_000;
export const flowsWatchedMax = 32_768;
/** Verdicts compared with the programs in one reading: a sample, so that a flood of flows costs little. */
export const flowsComparedMax = 500;
/** Flows of one reading that are judged once more by the program in force: at most so many, evenly over all. */
export const flowsJudgedMax = 500;
/** The kernel gathers what it logs for a tenth of a second; a busy machine hands it over later. */
export const flowSettleMs = 1000;
/** Replies of a kernel socket read in one call: the rest waits in the kernel, or is counted as lost. */
export const flowMessagesMax = 10_000;
/** A flow that goes on is told of again after this long (Azure: five minutes). */
export const flowContinuesMs = 300_000;
/** Flows are written this often: what a kill may lose. */
export const flowLogTickMs = 1000;
/** Bytes of flow logs kept: of one target, and of all; the oldest hour of the largest target goes first. */
export const flowLogBytesMax = 256 * 1024 * 1024;
export const flowLogBytesAllMax = 2 * 1024 * 1024 * 1024;
/** Flows read from the files for a suggestion, and rules suggested. */
export const flowsSuggestedMax = 20_000;
export const rulesSuggestedMax = 200;
/** How much more than the usual budget a proof may take in the slow lane, where it starts afresh. */
export const slowProofFactor = 20;
/** What a change makes possible or impossible: rows told of each, services of a row, NICs looked at. */
export const blastRowsMax = 50;
export const blastServicesMax = 8;
export const blastNicsMax = 64;
/** Pairs of addresses that are judged for one change; NICs left over are told as a number. */
export const blastPairsMax = 256;
/** Who reaches whom: pairs of addresses looked at, and rows told. */
export const matrixPairsMax = 50_000;
export const matrixRowsMax = 2000;
/** Connection states of the boundary that all subscriptions with plans share by their quotas: three quarters of what the kernel holds. */
export const boundaryStatesShared = 196_608;
/** A count of states is kept in parts of about this many, so that a new one costs the same however many there are; parts of one share. */
export const statesPerPart = 500;
export const statePartsMax = 128;
/** The largest number of a budget: a limit of the kernel above it would limit nothing. */
export const budgetMax = 100_000_000;
/** The same of Mbit/s, which are counted as bytes: what 32 bits hold. */
export const megabitsMax = 34_000;
/** Bytes that may pass at once beyond a rate: a tenth of a second, and no less than a few segments as the kernel carries them. */
export const burstBytesMin = 262_144;
/** Packets a second that all quarantined NICs of a router may send to the platform. */
export const apartPerSecond = 100;
/** Pairs of target and port that a router remembers for a minute, of each family. */
export const targetsSeenMax = 65_536;
/** Packets over a budget that a router tells of per second and budget, and that netd reads at once. */
export const spentLoggedPerSecond = 100;
export const spentMessagesMax = 5000;
/** Packets and flows that an evidence bundle has, and characters of an appeal. */
export const evidencePacketsMax = 16;
export const evidenceFlowsMax = 16;
export const appealLengthMax = 2000;
/** How often it is asked what went over budgets, and NICs that are watched for it at a time. */
export const containmentEveryMs = 500;
export const containmentWatchedMax = 10_000;
/** Just-in-time policies: machines of one, ports of a machine, and requests that are kept in it. */
export const jitMachinesMax = 100;
export const jitPortsMax = 20;
export const jitRequestsKeptMax = 50;
/** Just-in-time openings that the kernel holds for one router and family; and how long one may stay open (decision D3.6). */
export const openingsMax = 1024;
export const openingLongestMs = 3 * 3600 * 1000;
/** The background check of the prover: how often, packets a round, and the largest stamp (NICs) that it looks at. */
export const checkerEveryMs = 10_000;
export const checkerPacketsPerRound = 100;
export const checkerPortsMax = 2000;
/** What others changed in the kernel: how often the keeper is asked, when its alert closes, how many are told, and how many within which time make a host untrusted. */
export const driftEveryMs = 1000;
export const driftClosesMs = 60_000;
export const driftsKeptForAnswerMax = 100;
export const tamperWindowMs = 10 * 60_000;
export const tamperTimesMax = 3;
/** Canaries: how often, the largest stamp (NICs of machines) that sends any, packets drawn in search of a round's few, canaries of each kind in a round. */
export const canaryEveryMs = 5000;
export const canaryNicsMax = 2000;
export const canaryDrawsMax = 64;
export const canariesPerKind = 3;
/** What the kernel's keeper grants whoever asks: canaries of one order, places to look at for one, orders apart by, and how long it looks. */
export const canariesPerOrderMax = 8;
export const canaryPlacesMax = 16;
export const canaryLeastMs = 1000;
export const canaryWaitMs = 300;
/** Source ports of canaries: above those that Linux gives to clients (32768 to 60999), so that none meets a flow that goes on. */
export const canaryPortFirst = 61_000;
/** Orders whose packets the flow logs leave out; what the kernel logs is read every second. */
export const canariesRememberedMax = 3;
