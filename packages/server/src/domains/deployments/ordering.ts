export interface Ordered {
  readonly sequence: number
  readonly policy: { readonly priority: number }
}

/** The order in which a device takes overlapping deployments: higher priority first, then the older. Total. */
export function compareDeployments(one: Ordered, other: Ordered): number {
  return other.policy.priority - one.policy.priority || one.sequence - other.sequence
}
