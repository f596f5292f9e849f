import { Fault, messageOf } from '@holdfast/kernel'

/** What the doctor says about one thing. */
export interface Finding {
  readonly about: string
  readonly verdict: 'ok' | 'warning' | 'failing'
  readonly says: string
  /** What to do about it. */
  readonly mend?: string
}

export interface Check {
  readonly about: string
  /** Answers what is well; throws, or answers findings, for what is not. */
  run(): Promise<string | Finding[]>
  readonly mend: string
}

/** Runs every check; one that fails does not keep the others from running. */
export async function examineAll(checks: readonly Check[]): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const { about, run, mend } of checks) {
    try {
      const answer = await run()
      if (typeof answer === 'string') findings.push({ about, verdict: 'ok', says: answer })
      else findings.push(...answer)
    } catch (thrown) {
      const verdict = thrown instanceof Fault && thrown.kind === 'limited' ? 'warning' : 'failing'
      findings.push({ about, verdict, says: messageOf(thrown), mend })
    }
  }
  return findings
}

/** Not wrong yet, but soon. */
export function warning(code: string, message: string): Fault {
  return new Fault('limited', code, message)
}

export function failing(code: string, message: string): Fault {
  return new Fault('refused', code, message)
}
