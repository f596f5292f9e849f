/** Who does something, as the audit log names them. */
export interface Actor {
  readonly kind: 'user' | 'token' | 'device' | 'system'
  readonly id: string
  readonly name?: string
  /** The network address that the act came from. */
  readonly origin?: string
}

/** The server acting on its own account; `part` names the mechanism. */
export function systemActor(part: string): Actor {
  return { kind: 'system', id: part }
}
