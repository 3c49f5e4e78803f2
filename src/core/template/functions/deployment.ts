/** Functions that read the deployment itself: parameters, variables, copyIndex, deployment, deployer, environment, newGuid, fail. */

import type { Json } from '#base/json.ts';
import { asJson, Unknown } from '#template/value.ts';
import {
  define,
  intAt,
  refuseArgument,
  refuseCall,
  textAt,
  type Call,
  type TemplateFunction,
} from '#template/functions/call.ts';

/** Azure docs, "Deployment functions", and `copyIndex`, `newGuid`, `lambdaVariables`, `fail` from elsewhere. */
export const deploymentFunctions: readonly TemplateFunction[] = [
  define('parameters', [1, 1], (call) => call.frame.environment.parameter(textAt(call, 0))),
  define('variables', [1, 1], (call) => {
    if (call.frame.place === 'parameters')
      throw refuseCall('variables', 'it may not be used in the definition of a parameter.');
    return call.frame.environment.variable(textAt(call, 0));
  }),
  define('lambdavariables', [1, 1], (call) => {
    const value = call.frame.locals?.get(textAt(call, 0).toLowerCase());
    if (value === undefined)
      throw refuseCall('lambdaVariables', `no lambda around it has a parameter '${textAt(call, 0)}'.`);
    return value;
  }),
  define('copyindex', [0, 2], copyIndex),
  define('deployment', [0, 0], (call) => call.frame.environment.deployment()),
  define('environment', [0, 0], (call) => call.frame.environment.context.environment),
  define('deployer', [0, 0], (call) => {
    const { tenantId, deployerId } = call.frame.environment.context;
    return { tenantId, objectId: deployerId ?? '' };
  }),
  define('newguid', [0, 0], (call) => {
    if (call.frame.place !== 'parameters') {
      throw refuseCall('newGuid', 'it may only be used in the default value of a parameter.');
    }
    return call.frame.environment.context.newGuid();
  }),
  define('fail', [1, 1], (call) => {
    throw refuseCall('fail', textAt(call, 0));
  }),
];

/** `copyIndex()`, `copyIndex(offset)`, `copyIndex(loop)`, `copyIndex(loop, offset)` (Azure docs, "Resource iteration"). */
function copyIndex(call: Call): Json {
  const [first] = call.args;
  const isNamed = typeof first === 'string';
  if (call.args.length === 2 && !isNamed) throw refuseArgument(call, 0, 'the name of a copy loop');
  const { copies } = call.frame;
  const wanted = isNamed ? first.toLowerCase() : undefined;
  const place =
    wanted === undefined
      ? (copies.findLast((copy) => copy.kind === 'resource') ?? copies.at(-1))
      : copies.findLast((copy) => copy.name.toLowerCase() === wanted);
  if (place === undefined) {
    throw refuseCall(
      'copyIndex',
      isNamed ? `it is not inside a copy loop named '${first}'.` : 'it is not inside a copy loop.',
    );
  }
  const offset = isNamed ? (call.args.length > 1 ? intAt(call, 1) : 0) : call.args.length > 0 ? intAt(call, 0) : 0;
  return place.index + offset;
}

/** What stands for a value that only the running deployment knows. */
export function unknown(text: string): Json {
  return asJson(new Unknown(`[${text}]`));
}
