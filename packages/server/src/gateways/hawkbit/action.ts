import { Fault } from '@holdfast/kernel'

/**
 * An action in DDI is one attempt of one device at one deployment, and SWUpdate reads its id as a C int: so it is the
 * deployment's number with the attempt in the lowest five bits.
 */
const attempts = 32

export interface Action {
  /** The deployment's number. */
  readonly deployment: number
  /** Modulo 32. */
  readonly attempt: number
}

export function actionId(deployment: { readonly number: number }, attempt: number): string {
  return String(deployment.number * attempts + (attempt % attempts))
}

/** Throws `missing` for what cannot be an id of ours. */
export function parseActionId(text: string | undefined): Action {
  if (text === undefined || !/^\d{1,15}$/.test(text)) {
    throw new Fault('missing', 'hawkbit.no_action', 'there is no such action')
  }
  const id = Number(text)
  return { deployment: Math.floor(id / attempts), attempt: id % attempts }
}

export function isAttempt(action: Action, attempt: number): boolean {
  return action.attempt === attempt % attempts
}
