/** The four operations on sets, and what each gives without a look inside: the same for whole diagrams and for their labels. */

/** Numbers of the operations in memos; higher ones belong to whoever has its own. `overlay`: the left one decides, where it says `unsaid` the right one. */
export const operations = { intersection: 1, union: 2, difference: 3, overlay: 4 } as const;
export const firstOwnOperation = 5;

/** The constants as leaves of a label; a diagram's constants are their complements (`~leaf`): 0, 1 and 2. */
export const leaves = { nothing: -1, all: -2, unsaid: -3 } as const;

/** The result of an operation when one operand is a constant or both are the same; else undefined. Sets never hold `unsaid`. */
export function resultAtOnce(operation: number, left: number, right: number): number | undefined {
  const { nothing, all, unsaid } = leaves;
  switch (operation) {
    case operations.intersection:
      if (left === nothing || right === nothing) return nothing;
      return left === all || left === right ? right : right === all ? left : undefined;
    case operations.union:
      if (left === all || right === all) return all;
      return left === nothing || left === right ? right : right === nothing ? left : undefined;
    case operations.difference:
      if (left === nothing || right === all || left === right) return nothing;
      return right === nothing ? left : undefined;
    case operations.overlay:
      if (left === unsaid) return right;
      return left === nothing || left === all || right === unsaid || left === right ? left : undefined;
    default:
      return undefined;
  }
}
