/** Every function of the template language, found by its lower-case name. */

import { arrayFunctions } from '#template/functions/array.ts';
import { cidrFunctions } from '#template/functions/cidr.ts';
import { dateFunctions } from '#template/functions/date.ts';
import { deploymentFunctions } from '#template/functions/deployment.ts';
import { lambdaFunctions } from '#template/functions/lambda.ts';
import { logicalFunctions } from '#template/functions/logical.ts';
import { numericFunctions } from '#template/functions/numeric.ts';
import { objectFunctions } from '#template/functions/object.ts';
import { listFunction, resourceFunctions } from '#template/functions/resource.ts';
import { stringFunctions } from '#template/functions/string.ts';
import type { TemplateFunction } from '#template/functions/call.ts';

const functions: ReadonlyMap<string, TemplateFunction> = new Map(
  [
    arrayFunctions,
    cidrFunctions,
    dateFunctions,
    deploymentFunctions,
    lambdaFunctions,
    logicalFunctions,
    numericFunctions,
    objectFunctions,
    resourceFunctions,
    stringFunctions,
  ]
    .flat()
    .map((row) => [row.name, row]),
);

/** The function of that lower-case name; `list…` of any ending asks the resource itself. */
export function functionNamed(name: string): TemplateFunction | undefined {
  return functions.get(name) ?? (/^list[a-z]*$/.test(name) ? listFunction : undefined);
}

/** All names, for tests and documents. The forms `if`, `and`, `or`, `coalesce`, `tryGet` and `lambda` are the evaluator's. */
export function functionNames(): readonly string[] {
  return [...functions.keys()].toSorted();
}
